"""Random numbers of a sentence, computed from its seed, its phones and the place alone.

So a sentence is the same whatever other lines are spoken beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from realtime.engines.gpt_sovits.codes import CODES

Floats = npt.NDArray[np.float32]
TINY = np.finfo(np.float32).tiny


class SentenceNoise:
    """The noise of one sentence."""

    def __init__(self, seed: int, phones: Sequence[int]) -> None:
        digest = hashlib.sha256(repr((seed, tuple(phones))).encode()).digest()
        self._key = int.from_bytes(digest[:16], "little")

    def codes(self, step: int) -> Floats:
        """Return an exponential random number for each code of a step, none of them zero."""
        drawn = self._generator(1, step).standard_exponential(CODES + 1, np.float32)
        return np.maximum(drawn, TINY)

    def frames(self, first: int, count: int, channels: int) -> Floats:
        """Return (channels, count) of normal random numbers; each frame has its own for ever."""
        rows = [
            self._generator(2, frame).standard_normal(channels, np.float32)
            for frame in range(first, first + count)
        ]
        return np.stack(rows, axis=1) if rows else np.zeros((channels, 0), np.float32)

    def _generator(self, purpose: int, place: int) -> np.random.Generator:
        counter = (purpose << 192) | (place << 64)
        return np.random.Generator(np.random.Philox(key=self._key, counter=counter))
