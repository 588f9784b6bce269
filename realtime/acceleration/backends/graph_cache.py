"""The recordings that are held: bounded, the ones that cost and serve least go first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from realtime.acceleration.backends.cuda_capture import CapturedGraph, Pool
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Sizes

HALVED_EVERY = 1_024  # hits after which all uses count half: what was liked long ago fades
SHELVES = 4  # of so many parts of the memory each is filled before the next is begun


@dataclass
class CachedGraph:
    """A recording, what it cost to make, and how it is used."""

    recording: CapturedGraph
    seconds: float
    uses: float = 1.0

    @property
    def worth(self) -> float:
        return self.seconds * self.uses


@dataclass(eq=False)
class GraphMemory:
    """Recordings that share a memory, which is given back when the last of them goes."""

    pool: Pool
    entries: dict[Sizes, CachedGraph] = field(default_factory=dict)
    bytes: int = 0

    @property
    def worth(self) -> float:
        return sum(entry.worth for entry in self.entries.values())

    @property
    def uses(self) -> float:
        return sum(entry.uses for entry in self.entries.values())


class GraphCache:
    """Recordings by bucket, within a number and the bytes of the memory that they lie in.

    In one memory for all nothing could be given back while any of them is held; in one for each
    nothing would be shared. So they stand on a few shelves.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._shelves: list[GraphMemory] = []
        self._open: GraphMemory | None = None
        self._largest = 0  # bytes that one recording took
        self._lock = threading.Lock()
        self._hits = 0
        self.captures = 0
        self.evictions = 0

    def __contains__(self, sizes: Sizes) -> bool:
        return self._entry(sizes) is not None

    def __len__(self) -> int:
        return sum(len(shelf.entries) for shelf in list(self._shelves))

    @property
    def bytes(self) -> int:
        with self._lock:
            return self._bytes()

    def get(self, sizes: Sizes) -> CapturedGraph | None:
        """A recording, counted as used."""
        with self._lock:
            entry = self._entry(sizes)
            if entry is None:
                return None
            entry.uses += 1
            self._hits += 1
            if self._hits % HALVED_EVERY == 0:
                for other in self._entries():
                    other.uses /= 2
            return entry.recording

    def has_place_for(self, uses: float) -> bool:
        """Whether a bucket used so often would displace nobody better than itself."""
        with self._lock:
            if len(self) >= self._most:
                return uses > min((entry.uses for entry in self._entries()), default=0)
            if self._bytes() + self._largest <= self._most_bytes:
                return True
            return uses > min((shelf.uses for shelf in self._shelves), default=0)

    def shelf(self, pool: Callable[[], Pool]) -> GraphMemory:
        """Where the next recording goes."""
        with self._lock:
            if self._open is None or self._open.bytes > self._most_bytes // SHELVES:
                self._open = GraphMemory(pool())
            return self._open

    def shut(self) -> None:
        """The next recording begins a shelf: a memory in which one failed is used no further."""
        with self._lock:
            self._open = None

    def add(
        self, shelf: GraphMemory, sizes: Sizes, recording: CapturedGraph, seconds: float
    ) -> None:
        """Keep a recording that was made on a shelf, and close those that have no place beside."""
        with self._lock:
            self.captures += 1
            self._remove(sizes)
            if shelf not in self._shelves:
                self._shelves.append(shelf)
            grown, shelf.bytes = shelf.bytes, shelf.pool.bytes
            self._largest = max(self._largest, shelf.bytes - grown)
            shelf.entries[sizes] = CachedGraph(recording, seconds)
            self._make_room(shelf, sizes)
            if shelf.bytes > self._most_bytes:
                self._give_up(shelf)
                raise CannotRun(
                    f"its graph takes {shelf.bytes} bytes, allowed are {self._most_bytes}"
                )

    def drop(self, sizes: Sizes) -> None:
        with self._lock:
            self._remove(sizes)

    def clear(self) -> None:
        with self._lock:
            for sizes in [sizes for shelf in self._shelves for sizes in shelf.entries]:
                self._remove(sizes)

    def _entries(self) -> list[CachedGraph]:
        return [entry for shelf in list(self._shelves) for entry in list(shelf.entries.values())]

    def _entry(self, sizes: Sizes) -> CachedGraph | None:
        found = (shelf.entries.get(sizes) for shelf in list(self._shelves))
        return next((entry for entry in found if entry is not None), None)

    def _bytes(self) -> int:
        return sum(shelf.bytes for shelf in self._shelves)

    def _make_room(self, kept: GraphMemory, new: Sizes) -> None:
        """Within the number of recordings, then within the bytes of all shelves."""
        while len(self) > self._most:
            others = [(s, e) for shelf in self._shelves for s, e in shelf.entries.items()]
            self._remove(min((e.worth, s) for s, e in others if s != new)[1])
            self.evictions += 1
        while self._bytes() > self._most_bytes and len(self._shelves) > 1:
            least = min((s for s in self._shelves if s is not kept), key=lambda s: s.worth)
            self.evictions += len(least.entries)
            self._give_up(least)

    def _give_up(self, shelf: GraphMemory) -> None:
        for sizes in list(shelf.entries):
            self._remove(sizes)

    def _remove(self, sizes: Sizes) -> None:
        for shelf in self._shelves:
            entry = shelf.entries.pop(sizes, None)
            if entry is not None:
                entry.recording.close()
        self._shelves = [shelf for shelf in self._shelves if shelf.entries]
        if self._open is not None and self._open not in self._shelves and self._open.bytes:
            self._open = None
