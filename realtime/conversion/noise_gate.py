"""A noise gate: sound below a level becomes exact silence.

The gate opens at its level, and closes when a fifth of a second was more than 6 dB below it: with
one level for both it would flutter. Open, it changes no sample; it opens and closes with a fade.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.engines.voice_change import GATE_OFF

Samples = npt.NDArray[np.float32]

FRAME_SECONDS = 0.01
HOLD_SECONDS = 0.2
CLOSES_BELOW = 10 ** (-6 / 10)  # of the power at which it opens


class NoiseGate:
    """A gate for one stream; `level` is in dBFS."""

    def __init__(self, level: float, rate: int) -> None:
        self._open_at = 10 ** (level / 10) if level > GATE_OFF else 0.0
        self._rate = rate
        self._open = False
        self._quiet_seconds = 0.0

    def feed(self, block: Samples) -> Samples:
        """Return the block, as long as it was, with silence where the gate is closed."""
        if not self._open_at or not block.size:
            return block
        count = max(1, round(block.size / self._rate / FRAME_SECONDS))
        return np.concatenate([self._gate(frame) for frame in np.array_split(block, count)])

    def _gate(self, frame: Samples) -> Samples:
        was_open = self._open
        self._decide(float(np.mean(np.square(frame, dtype=np.float64))), frame.size / self._rate)
        if was_open and self._open:
            return frame
        if not was_open and not self._open:
            return np.zeros_like(frame)
        fade = np.sin(0.5 * np.pi * (np.arange(frame.size) + 0.5) / frame.size) ** 2
        if was_open:
            fade = fade[::-1]
        faded: Samples = (frame * fade).astype(np.float32)
        return faded

    def _decide(self, power: float, seconds: float) -> None:
        if power >= self._open_at:
            self._open, self._quiet_seconds = True, 0.0
        elif self._open:
            quiet = power < self._open_at * CLOSES_BELOW
            self._quiet_seconds = self._quiet_seconds + seconds if quiet else 0.0
            self._open = self._quiet_seconds < HOLD_SECONDS
