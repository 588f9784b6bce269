"""A bar on a terminal that shows how far something is; where there is no terminal, nothing."""

from __future__ import annotations

import sys
import time

WIDTH = 30
AGAIN_SECONDS = 0.1  # how often it is drawn


class Bar:
    """Drawn on standard error, rarely enough to cost nothing."""

    def __init__(self, what: str, total: float) -> None:
        self._what = what
        self._total = total
        self._shows = sys.stderr.isatty()
        self._drawn = 0.0
        self._shown = False

    def at(self, done: float, told: str) -> None:
        """So much is done, which a person is told in these words."""
        over = done >= self._total
        if not self._shows or (not over and time.monotonic() - self._drawn < AGAIN_SECONDS):
            return
        self._drawn, self._shown = time.monotonic(), True
        full = round(WIDTH * min(1.0, done / self._total)) if self._total else WIDTH
        bar = "#" * full + "." * (WIDTH - full)
        print(f"\r{self._what} [{bar}] {told}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            print(file=sys.stderr)
