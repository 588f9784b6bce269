"""A lock on buffers that one call at a time may use, and the outputs lent from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from realtime.acceleration.refusals import NotNow
from realtime.acceleration.shapes import Tensors


class BufferLock:
    """A lock for one holder at a time, with a bound on the wait for it.

    `begin` and `end` run in each turn: they order the work of two holders where a device only
    queues it.
    """

    def __init__(self, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._begin = begin
        self._end = end
        self._holder: int | None = None

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Hold the buffers; raise NotNow after a wait, or when this thread holds them already."""
        if self._holder == threading.get_ident():
            raise NotNow("the buffers are held by a lease of this thread")
        if not self._lock.acquire(timeout=seconds):
            raise NotNow(f"the buffers were held by others for {seconds:g} s")
        try:
            self._holder = threading.get_ident()
            self._begin()
            try:
                yield
            finally:
                self._end()
        finally:
            self._holder = None
            self._lock.release()


class Lent:
    """Outputs that lie in a backend's buffers until the block of their lease ends."""

    def __init__(self, outputs: Tensors) -> None:
        self._outputs: Tensors | None = outputs

    @property
    def outputs(self) -> Tensors:
        """Return the outputs; raise RuntimeError once the lease is over."""
        if self._outputs is None:
            raise RuntimeError("This lease is over: its outputs may be another call's by now.")
        return self._outputs

    def end(self) -> None:
        """End the lease."""
        self._outputs = None
