"""Index files of RVC, as faiss writes them: the features of a voice's recordings, in lists.

A file says how much it holds, and each such count is compared with its length before anything is
read. Vectors stay in the file until a search reads them.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from realtime.engines.torch_file import unusable

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float32]
    Integers = npt.NDArray[np.int64]

NEIGHBOURS = 8  # that are blended, as published
HEADER = struct.Struct("<iqqqBi")  # numbers of a vector, vectors, two unused, trained, metric
SQUARED_DISTANCE = 1  # the metric
TINY = 1e-12  # the least squared distance: a query may be a stored vector
AT_ONCE = 4_096  # vectors that are compared at a time
MOST_NUMBERS = 4_096  # of a vector; content features have 768 at most


@dataclass(frozen=True)
class Neighbours:
    """The nearest vectors of each query: fewer than wanted where a list is short."""

    distances: Floats  # (queries, count), squared; infinite where there is no vector
    ids: Integers  # of each vector in the recordings; -1: none
    vectors: Floats  # (queries, count, numbers); 0 where there is none


class IndexFile:
    """An index: vectors in lists, each list with a centroid."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise unusable(path, "it cannot be read, or is empty") from error
        self._at = 0
        self.numbers, self.count, lists = self._read_quantizer()
        self._skip_direct_map()
        self._read_lists(lists)

    def search(self, queries: Floats, count: int = NEIGHBOURS) -> Neighbours:
        """Find the nearest vectors in the list whose centroid is nearest, as RVC's nprobe 1."""
        shape = (len(queries), count)
        found = Neighbours(
            np.full(shape, np.inf, np.float32),
            np.full(shape, -1, np.int64),
            np.zeros((*shape, self.numbers), np.float32),
        )
        lists = np.argmin(self._centroid_norms - 2 * (queries @ self._centroids.T), axis=1)
        for each in np.unique(lists):
            rows = np.flatnonzero(lists == each)
            vectors, ids = self._list(int(each))
            if not len(vectors):
                continue
            kept = min(count, len(vectors))
            for row in rows:
                distances = _distances(vectors, queries[row])
                order = np.argsort(distances, kind="stable")[:kept]
                found.distances[row, :kept] = distances[order]
                found.ids[row, :kept] = ids[order]
                found.vectors[row, :kept] = vectors[order]
        return found

    def blend(self, features: Floats, share: float) -> Floats:
        """Return features moved towards those of the voice's own recordings.

        The nearest count by the inverse of their squared distance, squared. A feature in whose list
        there is no vector stays as it is.
        """
        if not share:
            return features
        near = self.search(features)
        weights = np.square(1.0 / np.maximum(near.distances.astype(np.float64), TINY))
        total = weights.sum(1, keepdims=True)
        there = total[:, 0] > 0
        shares = weights[there] / total[there]
        blended = features.copy()
        voice = np.einsum("qn,qnd->qd", shares, near.vectors[there])
        blended[there] = share * voice + (1 - share) * features[there]
        return blended

    def _list(self, number: int) -> tuple[Floats, Integers]:
        start, size = int(self._starts[number]), int(self._sizes[number])
        vectors: Floats = np.frombuffer(self._data, "<f4", size * self.numbers, start)
        ids: Integers = np.frombuffer(self._data, "<i8", size, start + 4 * size * self.numbers)
        return vectors.reshape(size, self.numbers), ids

    def _read_quantizer(self) -> tuple[int, int, int]:
        """Read the heads of the index and of its centroids."""
        kind = self._take(4)
        if kind != b"IwFl":
            name = kind.decode("latin-1") if kind.isalnum() else "unknown"
            self._refuse(f"it is of the kind {name!r}, and RVC's are IVF,Flat of faiss")
        numbers, count = self._read_header()
        lists, _ = self._numbers("<QQ")
        if self._take(4) != b"IxF2":
            self._refuse("its centroids are not plain vectors")
        if self._read_header() != (numbers, lists):
            self._refuse("its centroids do not fit its vectors")
        (floats,) = self._numbers("<Q")
        if floats != lists * numbers:
            self._refuse("its centroids do not fit its vectors")
        self._centroids = self._array("<f4", floats).reshape(lists, numbers)
        self._centroid_norms = np.square(self._centroids).sum(1)
        return numbers, count, lists

    def _read_header(self) -> tuple[int, int]:
        numbers, count, _, _, _, metric = HEADER.unpack(self._take(HEADER.size))
        if metric != SQUARED_DISTANCE:
            self._refuse("it measures another distance")
        if not 1 <= numbers <= MOST_NUMBERS or not 1 <= count <= len(self._data):
            self._refuse(f"it says {count} vectors of {numbers} numbers; is it a `trained` index?")
        return numbers, count

    def _skip_direct_map(self) -> None:
        (kind,) = self._numbers("<B")
        (count,) = self._numbers("<Q")
        if kind not in (0, 1):
            self._refuse("it has a table of places that RVC does not write")
        self._skip(8 * count)

    def _read_lists(self, lists: int) -> None:
        if self._take(4) != b"ilar" or self._numbers("<QQ") != (lists, 4 * self.numbers):
            self._refuse("its lists are not plain vectors")
        self._sizes = self._read_sizes(lists)
        each = 4 * self.numbers + 8  # bytes of a vector and its id
        if int(self._sizes.sum()) != self.count or self.count * each > self._left:
            self._refuse("its lists do not hold the vectors that it says, or it is cut short")
        self._starts = self._at + each * (np.cumsum(self._sizes) - self._sizes)

    def _read_sizes(self, lists: int) -> Integers:
        kind = self._take(4)
        (count,) = self._numbers("<Q")
        given = self._array("<u8", count)
        # Sizes beyond the count of all would overflow a sum.
        if kind == b"full" and count == lists and not (given > self.count).any():
            return given.astype(np.int64)
        pairs = given.reshape(-1, 2) if kind == b"sprs" and count % 2 == 0 else None
        if pairs is None or (pairs[:, 0] >= lists).any() or (pairs[:, 1] > self.count).any():
            self._refuse("the sizes of its lists are damaged")
        sizes = np.zeros(lists, np.int64)
        sizes[pairs[:, 0].astype(np.int64)] = pairs[:, 1].astype(np.int64)
        return sizes

    @property
    def _left(self) -> int:
        return len(self._data) - self._at

    def _array(self, kind: str, count: int) -> npt.NDArray[Any]:
        size = np.dtype(kind).itemsize * count
        if size > self._left:
            self._refuse("it is cut short")
        found = np.frombuffer(self._data, kind, count, self._at)
        self._at += size
        return found

    def _numbers(self, form: str) -> tuple[int, ...]:
        return struct.unpack(form, self._take(struct.calcsize(form)))

    def _take(self, size: int) -> bytes:
        self._skip(size)
        return self._data[self._at - size : self._at]

    def _skip(self, size: int) -> None:
        if size > self._left:
            self._refuse("it is cut short")
        self._at += size

    def _refuse(self, why: str) -> NoReturn:
        raise unusable(self.path, why)


def _distances(vectors: Floats, query: Floats) -> Floats:
    """Return squared distances, of a few vectors at a time: one list may hold nearly all."""
    parts = range(0, len(vectors), AT_ONCE)
    # Differences, not norms: of near vectors, norms would leave rounding alone.
    return np.concatenate(
        [np.square(vectors[start : start + AT_ONCE] - query).sum(1) for start in parts]
    )
