"""Crossfades of overlapping pieces, joined where they agree (SOLA).

Each piece is longer than what is kept of it. The next one is moved by up to `search` samples to
where it is most like the rest of the last one, and the two are faded into each other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]


class Joiner:
    """The joiner of one stream's pieces."""

    def __init__(self, fade: int, search: int) -> None:
        self._search = search
        self._rise = (np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / fade) ** 2).astype(np.float32)
        self._rest: Samples | None = None  # of the last piece, behind what was kept
        self.extra = fade + search  # samples by which a piece must be longer than what is kept

    def join(self, piece: Samples) -> Samples:
        """Return what is kept of a piece: all but `extra` samples, faded from the last one."""
        fade = self._rise.size
        count = piece.size - self.extra
        start = 0 if self._rest is None else self._offset(piece[: self.extra], self._rest)
        kept = piece[start : start + count + fade].copy()
        if self._rest is not None:
            kept[:fade] = kept[:fade] * self._rise + self._rest * self._rise[::-1]
        self._rest = kept[count:].copy()
        return kept[:count]

    def _offset(self, start: Samples, rest: Samples) -> int:
        """Find where in the search range the normalised correlation is highest."""
        windows = np.lib.stride_tricks.sliding_window_view(start, rest.size)
        energy = np.sum(np.square(windows, dtype=np.float64), axis=1)
        likeness = (windows @ rest) / np.sqrt(energy + 1e-9)
        # Where all places are alike, as in silence, the piece is not moved.
        best = int(np.argmax(likeness))
        return best if likeness[best] > likeness[0] + 1e-6 else 0
