"""Sizes of runs as memory allows: by the memory that is free, and by runs that were too large."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

SHARE = 0.8  # of the free memory that a run may take
RECOVERY = 16  # runs that go well before a larger one is tried again
ENDLESS = 1 << 40
LONG = 1 << 16  # frames that no window has: the limit is lifted when it gets so large


class MemoryLimit:
    """A limit that shrinks when a run finds too little memory, and grows again later."""

    def __init__(self, frame_bytes: int, free: Callable[[], int]) -> None:
        """Count `frame_bytes` for each frame of a window; `free` tells the bytes that are free."""
        self._frame_bytes, self._free = frame_bytes, free
        self._most_frames = ENDLESS
        self._one_at_a_time = False
        self._good_runs = 0

    @classmethod
    def unlimited(cls) -> MemoryLimit:
        return cls(1, lambda: ENDLESS)

    def windows_per_run(self, wanted: int) -> int:
        """Give how many of the wanted windows may share a run."""
        return 1 if self._one_at_a_time else wanted

    def frames_per_window(self, batch: int) -> int:
        """Give how long each of `batch` windows may be."""
        free = int(SHARE * self._free()) // (self._frame_bytes * self.windows_per_run(batch))
        return min(self._most_frames, free)

    def shrink(self, frames: int, windows: int, least: int) -> bool:
        """Allow less after a run that was too large; return False when less is impossible."""
        self._good_runs = 0
        if windows > 1 and not self._one_at_a_time:
            self._one_at_a_time = True
        elif frames > least:
            self._most_frames = max(least, frames // 2)
        else:
            return False
        logger.warning(
            "too little memory for %d windows of %d frames: the next are smaller", windows, frames
        )
        return True

    def count_success(self) -> None:
        """Count a run that went well; after some of them allow more again."""
        if not self._one_at_a_time and self._most_frames == ENDLESS:
            return
        self._good_runs += 1
        if self._good_runs >= RECOVERY:
            self._good_runs, self._one_at_a_time = 0, False
            doubled = 2 * self._most_frames
            self._most_frames = doubled if self._most_frames < LONG else ENDLESS


def free_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Read how many bytes this machine has free; where it does not tell, give `ENDLESS`."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return ENDLESS
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return 1024 * int(next(found, ENDLESS // 1024))
