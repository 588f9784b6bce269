"""Pieces that overlap, joined where they agree; it knows no engine and no rate.

Each piece is longer than what is kept of it. The next one is moved by up to `search` samples to
where it resembles most what the last one would have gone on with, and faded into that.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]


class Joiner:
    """One stream's joins."""

    def __init__(self, fade: int, search: int) -> None:
        self._search = search
        self._rise = (np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / fade) ** 2).astype(np.float32)
        self._rest: Samples | None = None  # what the last piece would have gone on with
        self.extra = fade + search  # how much longer than what is kept a piece must be

    def join(self, piece: Samples) -> Samples:
        """What is kept of a piece: all of it but `extra` samples."""
        fade = self._rise.size
        count = piece.size - self.extra
        start = 0 if self._rest is None else self._offset(piece[: self.extra], self._rest)
        kept = piece[start : start + count + fade].copy()
        if self._rest is not None:
            kept[:fade] = kept[:fade] * self._rise + self._rest * self._rise[::-1]
        self._rest = kept[count:].copy()
        return kept[:count]

    def _offset(self, start: Samples, rest: Samples) -> int:
        """Where in the search range the normalised correlation is highest."""
        around = np.lib.stride_tricks.sliding_window_view(start, rest.size)
        energy = np.sum(np.square(around, dtype=np.float64), axis=1)
        likeness = (around @ rest) / np.sqrt(energy + 1e-9)
        # Where all are alike, as in silence, nothing is moved.
        best = int(np.argmax(likeness))
        return best if likeness[best] > likeness[0] + 1e-6 else 0
