"""Random numbers that depend on a seed and on their place alone.

So two windows of a stream that overlap have the same numbers where they do, and a stream is the
same whatever runs beside it and however it is cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
PLACES = 1_024  # that are drawn at once
WORD = 1 << 64

Draw = Callable[[np.random.Generator], Floats]


class PositionalNoise:
    """The noise of one purpose in one stream; a place may lie before the start."""

    def __init__(self, seed: int, purpose: str) -> None:
        digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
        self._key = int.from_bytes(digest[:16], "little")

    def normal(self, first: int, count: int, width: int = 1) -> Floats:
        """Return (count, width) of normal random numbers for the places from `first` on."""
        size = (PLACES, width)
        return self._places(first, count, lambda random: random.standard_normal(size, np.float32))

    def uniform(self, first: int, count: int, width: int = 1) -> Floats:
        """Return (count, width) of random numbers from 0 to 1."""
        size = (PLACES, width)
        return self._places(first, count, lambda random: random.random(size, np.float32))

    def _places(self, first: int, count: int, draw: Draw) -> Floats:
        begin = first // PLACES
        end = -(-(first + max(1, count)) // PLACES)
        drawn = np.concatenate([draw(self._generator(block)) for block in range(begin, end)])
        start = first - begin * PLACES
        return drawn[start : start + count]

    def _generator(self, block: int) -> np.random.Generator:
        counter = (block % WORD) * WORD * WORD  # the lower words count what a block draws
        return np.random.Generator(np.random.Philox(key=self._key, counter=counter))
