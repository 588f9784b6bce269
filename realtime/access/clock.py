"""Time and chance as everything here takes them; a test gives its own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Clock:
    """The wall clock, which people set, the one that only runs, and a source of chance."""

    now_ms: Callable[[], int] = _wall_ms
    running: Callable[[], float] = time.monotonic
    chance: Callable[[int], str] = secrets.token_urlsafe
