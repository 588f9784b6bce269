"""Buffers that one call at a time may use, and what it was lent of them; it knows no device."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from realtime.acceleration.refusals import NotNow
from realtime.acceleration.shapes import Tensors


def nothing() -> None:
    """What a turn does at its ends on a device that does everything at once."""


class BufferLock:
    """One holder at a time; who waits too long, or would wait for itself, is told not now.

    `begin` and `end` order the work of two holders where a device only queues it.
    """

    def __init__(
        self, begin: Callable[[], None] = nothing, end: Callable[[], None] = nothing
    ) -> None:
        self._lock = threading.Lock()
        self._begin = begin
        self._end = end
        self._holder: int | None = None
        self.taken = 0  # turns so far: the generation of what lies in the buffers

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        if self._holder == threading.get_ident():
            raise NotNow("the buffers are held by a lease of this thread")
        if not self._lock.acquire(timeout=seconds):
            raise NotNow(f"the buffers were held by others for {seconds:g} s")
        try:
            self._holder = threading.get_ident()
            self.taken += 1
            self._begin()
            try:
                yield
            finally:
                self._end()
        finally:
            self._holder = None
            self._lock.release()


class Lent:
    """Outputs that lie in somebody's buffers: gone when the block of their lease ends."""

    def __init__(self, outputs: Tensors) -> None:
        self._outputs: Tensors | None = outputs

    @property
    def outputs(self) -> Tensors:
        if self._outputs is None:
            raise RuntimeError("This lease is over: its outputs may be another call's by now.")
        return self._outputs

    def end(self) -> None:
        self._outputs = None
