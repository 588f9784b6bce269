"""The number of examples of a test that asks for another than the profile has."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

USUAL = 20
PROFILES = {"usual": USUAL, "thorough": 100}


def examples(count: int, **more: Any) -> settings:
    """Return settings with so many examples in a thorough run, and a few in the usual one."""
    usual = settings.get_current_profile_name() == "usual"
    return settings(max_examples=min(count, USUAL) if usual else count, **more)
