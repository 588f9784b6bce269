"""How large a run may be: what memory is free, and what was too much a while ago.

It knows no network: bytes a frame takes, and a function that tells how many bytes are free.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

SHARE = 0.8  # of the free memory that a run may take
RECOVERY = 16  # runs that go well before a larger one is tried again
ENDLESS = 1 << 40
LONG = 1 << 16  # frames that no window has


class Headroom:
    """Shrinks when a run finds too little memory, and grows again by and by."""

    def __init__(self, frame_bytes: int, free: Callable[[], int]) -> None:
        self._frame_bytes, self._free = frame_bytes, free
        self._most = ENDLESS
        self._alone = False
        self._well = 0
        self.shrunk = 0  # how often

    @classmethod
    def endless(cls) -> Headroom:
        return cls(1, lambda: ENDLESS)

    def batch(self, wanted: int) -> int:
        """How many windows may share a run."""
        return 1 if self._alone else wanted

    def frames(self, batch: int) -> int:
        """How long each of so many windows may be."""
        free = int(SHARE * self._free()) // (self._frame_bytes * self.batch(batch))
        return min(self._most, free)

    def exceeded(self, frames: int, windows: int, least: int) -> bool:
        """A run was too large: ask for less from now on; False when there is no less."""
        self._well = 0
        if windows > 1 and not self._alone:
            self._alone = True
        elif frames > least:
            self._most = max(least, frames // 2)
        else:
            return False
        self.shrunk += 1
        logger.warning(
            "too little memory for %d windows of %d frames: the next are smaller", windows, frames
        )
        return True

    def sufficed(self) -> None:
        """A run went well."""
        if not self._alone and self._most == ENDLESS:
            return
        self._well += 1
        if self._well >= RECOVERY:
            self._well, self._alone = 0, False
            self._most = 2 * self._most if self._most < LONG else ENDLESS


def free_here(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Bytes of memory that may still be taken; where nobody tells, enough."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return ENDLESS
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return 1024 * int(next(found, ENDLESS // 1024))
