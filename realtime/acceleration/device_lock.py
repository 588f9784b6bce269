"""Who works on the devices of this process, and who must be alone there for a moment.

A capture of a CUDA graph is spoilt by whatever waits for the whole device in any thread, and while
it lasts no other thread can draw random numbers there. So it waits until nobody works, and whoever
wants to work waits for its end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from realtime.acceleration.refusals import NotNow

HELD_UP = 0.1  # seconds that others are kept out for those who are still at work to come to an end
BETWEEN = 0.2  # seconds that they then go on before it is tried again


class _Work:
    """One for all threads: each step of each lane passes here, so it makes nothing anew."""

    def __init__(self, gate: DeviceLock) -> None:
        self._gate = gate

    def __enter__(self) -> None:
        self._gate._come_in()

    def __exit__(self, *error: object) -> None:
        self._gate._go_out()


class DeviceLock:
    """Many may work at once, or one is alone; a thread that is inside may come in again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._inside: dict[int, int] = {}  # how often each thread came in
        self._alone: int | None = None
        self._passing: set[int] = set()
        self._work = _Work(self)

    def working(self) -> AbstractContextManager[None]:
        """Work that must not meet a capture."""
        return self._work

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A wait for another thread, within work: nobody who wants to be alone waits for it."""
        me = threading.get_ident()
        with self._changed:
            times = self._step_out(me)
        try:
            yield
        finally:
            with self._changed:
                self._enter(me, times)

    @contextmanager
    def without_waiting(self) -> Iterator[None]:
        """For what can be done at another moment: in the block this thread waits for nobody."""
        me = threading.get_ident()
        self._passing.add(me)
        try:
            yield
        finally:
            self._passing.discard(me)

    @contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """Nobody else works meanwhile; NotNow when others did for so long."""
        me = threading.get_ident()
        if self._alone == me:
            yield
            return
        with self.waiting():
            with self._changed:
                self._claim(me, 0.0 if me in self._passing else seconds)
            try:
                yield
            finally:
                with self._changed:
                    self._release()

    def _come_in(self) -> None:
        with self._changed:
            self._enter(threading.get_ident(), 1)

    def _go_out(self) -> None:
        me = threading.get_ident()
        with self._changed:
            self._inside[me] -= 1
            if not self._inside[me]:
                self._step_out(me)

    def _enter(self, me: int, times: int) -> None:
        if not times:
            return
        if me not in self._inside and self._alone is not None:
            self._changed.wait_for(lambda: self._alone in (None, me))
        self._inside[me] = self._inside.get(me, 0) + times

    def _step_out(self, me: int) -> int:
        times = self._inside.pop(me, 0)
        if self._alone is not None:
            self._changed.notify_all()
        return times

    def _claim(self, me: int, seconds: float) -> None:
        end = self._clock() + seconds
        while True:
            if self._changed.wait_for(lambda: self._alone is None, max(0.0, end - self._clock())):
                self._alone = me  # from here on nobody comes in
                if self._changed.wait_for(lambda: not self._inside, HELD_UP):
                    return
                self._release()
            if self._clock() >= end:
                raise NotNow("others were at work on the device")
            self._changed.wait(BETWEEN)

    def _release(self) -> None:
        self._alone = None
        self._changed.notify_all()


DEVICE_LOCK = DeviceLock()
