"""Random numbers of a line: of its seed, its words and the step, and of nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BITS = 24


def generator(seed: int, *facts: object) -> np.random.Generator:
    """A generator of its own for each seed and set of facts."""
    digest = hashlib.sha256(repr((seed, facts)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def draws(seed: int, ids: Sequence[int], attempt: int, count: int) -> npt.NDArray[np.int64]:
    """A number of 24 bits for each step; the same words under another seed have others."""
    random = generator(seed, "step", tuple(ids), attempt)
    return random.integers(0, 1 << BITS, size=count, dtype=np.int64)
