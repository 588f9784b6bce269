"""Index files of RVC as faiss writes them, for benchmarks and tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
FAR = 9.0  # each number of the centre of an empty list


def index_bytes(lists: Sequence[Vectors], sparse: bool = False, metric: int = 1) -> bytes:
    """Write vectors in lists as faiss writes an index of them; the ids count on."""
    numbers = lists[0].shape[1]
    count = sum(map(len, lists))
    centres = np.stack([each.mean(0) if len(each) else np.full(numbers, FAR) for each in lists])

    def header(vectors: int) -> bytes:
        return struct.pack("<iqqqBi", numbers, vectors, 1 << 20, 1 << 20, 1, metric)

    parts = [b"IwFl", header(count), struct.pack("<QQ", len(lists), 1)]
    parts += [b"IxF2", header(len(lists)), struct.pack("<Q", centres.size)]
    parts += [centres.astype("<f4").tobytes(), struct.pack("<BQ", 0, 0)]
    parts += [b"ilar", struct.pack("<QQ", len(lists), 4 * numbers)]
    if sparse:
        pairs = [number for at, each in enumerate(lists) if len(each) for number in (at, len(each))]
        parts += [b"sprs", struct.pack(f"<Q{len(pairs)}Q", len(pairs), *pairs)]
    else:
        parts += [b"full", struct.pack(f"<Q{len(lists)}Q", len(lists), *map(len, lists))]
    first = 0
    for each in lists:
        parts += [each.astype("<f4").tobytes(), np.arange(first, first + len(each)).tobytes()]
        first += len(each)
    return b"".join(parts)
