"""The time and the random texts of this package; tests replace both."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Clock:
    """A wall clock, which may be set back, a monotonic clock, and a source of random texts."""

    now_ms: Callable[[], int] = _wall_ms
    monotonic: Callable[[], float] = time.monotonic  # seconds
    random_text: Callable[[int], str] = secrets.token_urlsafe  # of so many random bytes
