"""Random numbers of a line, computed from its seed, its words and the step alone.

So a line is the same whatever other lines share its steps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BITS = 24  # as many as a float32 holds exactly


def make_generator(seed: int, *facts: object) -> np.random.Generator:
    """Make a generator that only this seed with these facts has."""
    digest = hashlib.sha256(repr((seed, facts)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def draw_numbers(seed: int, ids: Sequence[int], attempt: int, count: int) -> npt.NDArray[np.int64]:
    """Return a number of 24 bits for each step; a longer line begins with the same numbers."""
    generator = make_generator(seed, "step", tuple(ids), attempt)
    return generator.integers(0, 1 << BITS, size=count, dtype=np.int64)
