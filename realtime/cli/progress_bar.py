"""A progress bar on a terminal."""

from __future__ import annotations

import sys
import time

WIDTH = 30
INTERVAL_SECONDS = 0.1  # between two drawings, so that drawing costs nothing


class ProgressBar:
    """A bar on standard error, drawn ten times a second; where there is no terminal, nothing."""

    def __init__(self, what: str, total: float) -> None:
        self._what = what
        self._total = total
        self._on_terminal = sys.stderr.isatty()
        self._drawn_at = 0.0
        self._drawn = False

    def update(self, done: float, text: str) -> None:
        """Draw the bar for so much done, with a text behind it."""
        recently = time.monotonic() - self._drawn_at < INTERVAL_SECONDS
        if not self._on_terminal or (recently and done < self._total):
            return
        self._drawn_at, self._drawn = time.monotonic(), True
        full = round(WIDTH * min(1.0, done / self._total)) if self._total else WIDTH
        bar = "#" * full + "." * (WIDTH - full)
        print(f"\r{self._what} [{bar}] {text}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._drawn:
            print(file=sys.stderr)
