"""Engines that compute something of a voice before its first line: a prompt, which they keep."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from realtime.characters import Character


@runtime_checkable
class KeepsPrompts(Protocol):
    """An engine with prompts of characters. A first line makes its prompt itself, and waits."""

    def keep_prompt(self, character: Character) -> None:
        """Make a character's prompt ready; called on the lane of the loaded engine."""

    def has_prompt(self, character: Character) -> bool:
        """Tell whether a prompt is ready in memory; asked from any thread, at any time."""
