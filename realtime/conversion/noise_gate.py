"""A noise gate: below a level there is silence, exactly; it knows no rate of blocks and no engine.

It opens at its level, and closes 6 dB below it when a fifth of a second was quiet. What it lets
through is untouched; it opens and closes with a fade.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.engines.voice_change import GATE_OFF

Samples = npt.NDArray[np.float32]

FRAME_SECONDS = 0.01
HOLD_SECONDS = 0.2
BELOW = 10 ** (-6 / 10)  # of the power at which it opens


class NoiseGate:
    """One stream's gate."""

    def __init__(self, level: float, rate: int) -> None:
        self._open_at = 10 ** (level / 10) if level > GATE_OFF else 0.0
        self._rate = rate
        self._open = False
        self._quiet = 0.0  # seconds

    def feed(self, block: Samples) -> Samples:
        if not self._open_at or not block.size:
            return block
        count = max(1, round(block.size / self._rate / FRAME_SECONDS))
        return np.concatenate([self._frame(frame) for frame in np.array_split(block, count)])

    def _frame(self, frame: Samples) -> Samples:
        before = self._open
        self._decide(float(np.mean(np.square(frame, dtype=np.float64))), frame.size / self._rate)
        if before and self._open:
            return frame
        if not before and not self._open:
            return np.zeros_like(frame)
        rise = np.sin(0.5 * np.pi * (np.arange(frame.size) + 0.5) / frame.size) ** 2
        faded: Samples = (frame * (rise if self._open else rise[::-1])).astype(np.float32)
        return faded

    def _decide(self, power: float, seconds: float) -> None:
        if power >= self._open_at:
            self._open, self._quiet = True, 0.0
        elif self._open:
            self._quiet = 0.0 if power >= self._open_at * BELOW else self._quiet + seconds
            self._open = self._quiet < HOLD_SECONDS
