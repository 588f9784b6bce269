"""The pitch of one stream by absolute frame, and the phases of what sounds at that pitch.

Windows of a stream overlap, and an estimator gives a frame another pitch in each of them. Here the
first answer that had enough sound after it stays, so that the phase of a source goes on from window
to window.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


class PitchTrack:
    """The frames of one stream that later windows still need."""

    def __init__(self) -> None:
        self._first = 0  # the absolute frame of the first that is kept
        self._kept = np.zeros(0, np.float32)
        self._phases: tuple[int, Doubles] = (0, np.zeros(1, np.float64))

    def settle(self, first: int, found: Floats, ahead: int) -> Floats:
        """Return the pitch of a window that begins with frame `first`, for what was found in it.

        All but the last `ahead` frames stay as they are from now on.
        """
        pitch = found.astype(np.float32, copy=True)
        kept_end = self._first + self._kept.size
        start, end = max(first, self._first), min(first + pitch.size, kept_end)
        if start < end:
            pitch[start - first : end - first] = self._kept[start - self._first : end - self._first]
        settled = max(0, pitch.size - ahead, end - first)
        self._first, self._kept = first, pitch[:settled].copy()
        return pitch

    def keep_phases(self, first: int, phases: Doubles) -> None:
        """Keep the phases, in cycles, at the beginnings of a window's frames."""
        self._phases = (first, np.mod(np.asarray(phases, np.float64), 1.0))

    def phase_at(self, frame: int) -> float:
        """Return the phase at the beginning of a frame; 0 where no window had it."""
        first, phases = self._phases
        return float(phases[frame - first]) if 0 <= frame - first < phases.size else 0.0
