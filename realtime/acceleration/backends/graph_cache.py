"""The CUDA graphs that a network holds: bounded in number and memory, the least used go first."""

from __future__ import annotations

import threading
from collections.abc import Callable

from realtime.acceleration.backends.cuda_capture import CapturedGraph, Pool, Recorder, Run
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Sizes, Tensors

POOLS = 4  # a pool is filled to a quarter of the memory that is allowed, then the next is begun


class GraphCache:
    """Graphs by bucket; over a bound the least used are closed.

    The graphs of a pool share its memory, and a pool gives memory back only when its last graph is
    closed. One pool for all could give nothing back while any graph is held; a pool for each would
    share nothing. So there are a few pools, and the least used pool is closed whole. Callers see
    to it that no graph runs while one is captured or closed.
    """

    def __init__(
        self, recorder: Recorder, most: int, most_bytes: int, uses: Callable[[Sizes], float]
    ) -> None:
        """Take the bounds, and what tells how often a bucket was used of late."""
        self._recorder = recorder
        self._most = most
        self._most_bytes = most_bytes
        self._uses = uses
        self._graphs: dict[Sizes, tuple[CapturedGraph, Pool]] = {}
        self._pools: dict[Pool, int] = {}  # bytes of each when a graph was last captured in it
        self._open: Pool | None = None  # the pool of the next graph; None: a new one
        self._largest = 0  # bytes that one graph added to its pool, at most so far
        self._lock = threading.Lock()
        self.captures = 0
        self.evictions = 0

    def __contains__(self, sizes: Sizes) -> bool:
        return sizes in self._graphs

    def __len__(self) -> int:
        return len(self._graphs)

    @property
    def bytes(self) -> int:
        with self._lock:
            return sum(self._pools.values())

    def get(self, sizes: Sizes) -> CapturedGraph | None:
        held = self._graphs.get(sizes)
        return None if held is None else held[0]

    def has_place_for(self, sizes: Sizes) -> bool:
        """Return whether a bucket fits, or is used more than what would be closed for it."""
        with self._lock:
            if len(self._graphs) >= self._most:
                return self._uses(sizes) > min(map(self._uses, self._graphs))
            if sum(self._pools.values()) + self._largest <= self._most_bytes:
                return True
            return self._uses(sizes) > min(map(self._uses_of, self._pools), default=0)

    def capture(self, sizes: Sizes, run: Run, inputs: Tensors) -> None:
        """Capture a run for a bucket, and close what is then over the bounds."""
        pool = self._open or self._recorder.pool()
        self._open = None  # for good when the capture fails: its pool may be in any state
        graph = self._recorder.record(run, inputs, pool)
        with self._lock:
            self.captures += 1
            self._close([sizes])
            self._graphs[sizes] = graph, pool
            before, self._pools[pool] = self._pools.get(pool, 0), pool.bytes
            self._largest = max(self._largest, self._pools[pool] - before)
            if len(self._graphs) > self._most:
                self._evict([min((s for s in self._graphs if s != sizes), key=self._uses)])
            while sum(self._pools.values()) > self._most_bytes and len(self._pools) > 1:
                others = [other for other in self._pools if other is not pool]
                self._evict(self._buckets_in(min(others, key=self._uses_of)))
            if (taken := self._pools[pool]) > self._most_bytes:
                self._close(self._buckets_in(pool))
                raise CannotRun(f"its graph takes {taken} bytes, allowed are {self._most_bytes}")
            self._open = pool if taken <= self._most_bytes // POOLS else None

    def drop(self, sizes: Sizes) -> None:
        """Close the graph of a bucket, if there is one."""
        with self._lock:
            self._close([sizes])

    def clear(self) -> None:
        """Close every graph."""
        with self._lock:
            self._close(list(self._graphs))

    def _buckets_in(self, pool: Pool) -> list[Sizes]:
        return [sizes for sizes, held in self._graphs.items() if held[1] is pool]

    def _uses_of(self, pool: Pool) -> float:
        return sum(map(self._uses, self._buckets_in(pool)))

    def _evict(self, buckets: list[Sizes]) -> None:
        self.evictions += len(buckets)
        self._close(buckets)

    def _close(self, buckets: list[Sizes]) -> None:
        for sizes in buckets:
            if sizes not in self._graphs:
                continue
            graph, pool = self._graphs.pop(sizes)
            graph.close()
            if not self._buckets_in(pool):  # its memory is given back now, so it ends here
                del self._pools[pool]
                if self._open is pool:
                    self._open = None
