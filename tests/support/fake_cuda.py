"""A stand-in for the parts of torch that graphs and figures of memory need, without CUDA.

A failed capture leaves as much of it half done as it does with CUDA.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch


class FakeCuda:
    """The streams, pools and modes that torch's captures begin, and leave begun when they fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.streams = ["default"]
        self.pools: list[object] = []  # in which the allocator is capturing
        self.users: Counter[object] = Counter()  # of each pool
        self.drawing = False  # whether random numbers are in the mode of a capture
        self.spoilt = False
        self.dead = False
        self.allocated = self.reserved = 0  # bytes of the only device
        self._stack: list[str] = []
        zeros = torch.zeros
        fakes: dict[str, object] = {
            "is_available": lambda: True,
            "device_count": lambda: 1,
            "get_device_properties": lambda device: SimpleNamespace(
                name="Fake GPU", total_memory=8 << 30
            ),
            "memory_allocated": lambda device=0: self.allocated,
            "memory_reserved": lambda device=0: self.reserved,
            "device": lambda device: nullcontext(),
            "stream": self.stream,
            "Stream": lambda device: self.new_stream(),
            "Event": lambda: SimpleNamespace(),
            "current_stream": lambda device=None: self.named(self.current),
            "graph_pool_handle": lambda: (0, len(self.users) + 1),
            "empty_cache": lambda: None,
            "CUDAGraph": lambda: FakeGraph(self),
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(torch.cuda, name, fake)
        monkeypatch.setattr(torch, "zeros", lambda size, device: zeros(size))
        monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", self.end, raising=False)
        monkeypatch.setattr(torch._C, "_cuda_releasePool", self.release, raising=False)

    @property
    def current(self) -> str:
        return self._stack[-1] if self._stack else "default"

    def new_stream(self) -> SimpleNamespace:
        self.streams.append(f"side {len(self.streams)}")
        return self.named(self.streams[-1])

    def named(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(name=name, synchronize=lambda: None, wait_stream=lambda stream: None)

    @contextmanager
    def stream(self, stream: SimpleNamespace) -> Iterator[None]:
        self._stack.append(stream.name)
        try:
            yield
        finally:
            self._stack.pop()

    def end(self, index: int, pool: object) -> None:
        if pool not in self.pools:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        self.pools.remove(pool)

    def release(self, index: int, pool: object) -> None:
        self.users[pool] -= 1


class FakeGraph:
    """A graph whose capture ends with an error when a call in it was not allowed."""

    def __init__(self, cuda: FakeCuda) -> None:
        self._cuda = cuda
        self._pool: object = None

    def capture_begin(self, pool: object = "own", capture_error_mode: str = "global") -> None:
        assert capture_error_mode == "thread_local" and self._cuda.current != "default"
        if self._cuda.dead:
            raise RuntimeError("an illegal memory access was encountered")
        self._pool = pool
        self._cuda.pools.append(pool)
        self._cuda.users[pool] += 1
        self._cuda.drawing = True

    def capture_end(self) -> None:
        if self._cuda.spoilt:
            self._cuda.spoilt = False
            raise RuntimeError("operation failed due to a previous error during capture")
        self._cuda.pools.remove(self._pool)
        self._cuda.drawing = False

    def replay(self) -> None:
        assert not self._cuda.drawing

    def reset(self) -> None:
        self._cuda.users[self._pool] -= 1
