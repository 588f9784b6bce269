"""A lock on the GPUs of this process: many threads work at once, or one captures a graph alone.

Whatever waits for the whole device, in any thread, spoils the capture of a CUDA graph, and during
a capture no other thread can draw random numbers there. So a capture waits until no thread works,
and threads that want to work wait for its end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from realtime.acceleration.refusals import NotNow

CLAIM_SECONDS = 0.1  # how long new work is kept out while the work under way comes to its end
PAUSE_SECONDS = 0.2  # how long work then goes on before the next try


class _Working:
    """The context of work; one object serves all threads, as each turn of each lane enters it."""

    def __init__(self, lock: DeviceLock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        self._lock._begin_work()

    def __exit__(self, *error: object) -> None:
        self._lock._end_work()


class DeviceLock:
    """A lock for many that work or one that is alone; a thread that holds it may enter again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._working: dict[int, int] = {}  # how often each thread entered
        self._alone: int | None = None  # the thread that is alone, or is about to be
        self._impatient: set[int] = set()
        self._work = _Working(self)

    def working(self) -> AbstractContextManager[None]:
        """Return the context of work that must not meet a capture."""
        return self._work

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Step out of work while this thread waits for another: a capture need not wait for it."""
        me = threading.get_ident()
        with self._changed:
            times = self._leave(me)
        try:
            yield
        finally:
            with self._changed:
                self._enter(me, times)

    @contextmanager
    def without_waiting(self) -> Iterator[None]:
        """Let `alone` in this block refuse at once, for work that can be done another time."""
        me = threading.get_ident()
        self._impatient.add(me)
        try:
            yield
        finally:
            self._impatient.discard(me)

    @contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """Keep all other threads from working; raise NotNow when they worked for so long."""
        me = threading.get_ident()
        if self._alone == me:
            yield
            return
        with self.waiting():
            with self._changed:
                self._claim(me, 0.0 if me in self._impatient else seconds)
            try:
                yield
            finally:
                with self._changed:
                    self._release()

    def _begin_work(self) -> None:
        with self._changed:
            self._enter(threading.get_ident(), 1)

    def _end_work(self) -> None:
        me = threading.get_ident()
        with self._changed:
            self._working[me] -= 1
            if not self._working[me]:
                self._leave(me)

    def _enter(self, me: int, times: int) -> None:
        if not times:
            return
        if me not in self._working and self._alone is not None:
            self._changed.wait_for(lambda: self._alone in (None, me))
        self._working[me] = self._working.get(me, 0) + times

    def _leave(self, me: int) -> int:
        times = self._working.pop(me, 0)
        if self._alone is not None:
            self._changed.notify_all()
        return times

    def _claim(self, me: int, seconds: float) -> None:
        end = self._clock() + seconds
        while True:
            if self._changed.wait_for(lambda: self._alone is None, max(0.0, end - self._clock())):
                self._alone = me  # from here on no thread begins to work
                if self._changed.wait_for(lambda: not self._working, CLAIM_SECONDS):
                    return
                self._release()
            if self._clock() >= end:
                raise NotNow("others were at work on the device")
            # In pauses: a turn of a lane may last seconds, and all other lanes would stand still.
            self._changed.wait(PAUSE_SECONDS)

    def _release(self) -> None:
        self._alone = None
        self._changed.notify_all()


DEVICE_LOCK = DeviceLock()
