"""A lane: an engine's one thread, where jobs take turns a chunk at a time, most pressing first.

It knows no engine: it runs functions and advances iterators. A turn is asked for by whoever wants
the next item, so nothing is computed ahead of its listener, and queues are bounded by askers.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from realtime.engines.contract import CancelToken
from realtime.errors import Busy

logger = logging.getLogger(__name__)

T = TypeVar("T")

WHEN_IDLE = math.inf  # nobody listens yet
END: Any = object()  # StopIteration cannot cross a future


@dataclass(frozen=True, eq=False)
class _Turn:
    deadline: Callable[[], float]  # asked when a turn is chosen: who waits may change meanwhile
    number: int
    work: Callable[[], Any]
    result: Future[Any]

    def urgency(self) -> tuple[float, int]:
        return self.deadline(), self.number


class Lane:
    """One thread that takes the turn with the earliest deadline, until it is closed."""

    def __init__(
        self,
        name: str,
        most_jobs: int = 256,
        guard: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Start the thread; each turn runs inside a `guard()` of its own."""
        self.name = name
        self.jobs = 0
        self._guard = guard
        self._most_jobs = most_jobs
        self._turns: list[_Turn] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"lane-{name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many turns wait."""
        with self._changed:
            return len(self._turns)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run a function on the lane's thread, before what is spoken."""
        return await asyncio.wrap_future(self._turn(lambda: function(*args), at_once))

    async def stream(
        self,
        start: Callable[[CancelToken], Iterator[T]],
        deadline: Callable[[], float],
    ) -> AsyncGenerator[T, None]:
        """The items of an iterator that lives on this thread; leaving early stops and closes it.

        `deadline` is asked whenever a turn is chosen: the moment when the listener would run dry.
        """
        if self.jobs >= self._most_jobs:
            raise Busy(
                f"{self.jobs} lines already wait for {self.name!r}.",
                code="queue_full",
                hint="Ask again in a moment.",
                retry_after=2,
            )
        job = _Job(start, CancelToken())
        self.jobs += 1
        try:
            while (item := await self._next(job, deadline)) is not END:
                yield item
            job.ended = True
        finally:
            self.jobs -= 1
            await self._release(job)

    def close(self, timeout: float = 5.0) -> None:
        """Stop taking turns; those that wait are refused, the one under way ends first."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    async def _next(self, job: _Job[T], deadline: Callable[[], float]) -> T:
        turn = self._turn(job.advance, deadline)
        try:
            return await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            # A future cannot reach into a running turn: the flag does.
            job.cancel.set()
            raise

    async def _release(self, job: _Job[T]) -> None:
        """Close what was left early, on its own thread; who waits knows when the lane is free."""
        job.cancel.set()
        if job.ended or not job.begun:
            return
        closing = asyncio.wrap_future(self._turn(job.close, at_once))
        # Waiting leaves the turn where it is, also when whoever waits is cancelled once more.
        await asyncio.wait((closing,))
        if (error := closing.exception()) is not None:
            logger.debug("a stream on %s could not be closed: %r", self.name, error)

    def _turn(self, work: Callable[[], T], deadline: Callable[[], float]) -> Future[T]:
        result: Future[T] = Future()
        with self._changed:
            if self._closed:
                result.set_exception(Busy(f"The lane {self.name!r} is closed.", retry_after=2))
                return result
            self._turns.append(_Turn(deadline, next(self._numbers), work, result))
            self._changed.notify()
        return result

    def _work(self) -> None:
        while (turn := self._taken()) is not None:
            # A listener that left before its turn came costs nothing.
            if turn.result.set_running_or_notify_cancel():
                self._run(turn)
        for turn in self._turns:
            if turn.result.set_running_or_notify_cancel():
                turn.result.set_exception(Busy(f"The lane {self.name!r} is closed.", retry_after=2))

    def _run(self, turn: _Turn) -> None:
        """Run a turn and hand its result or its error to its asker."""
        try:
            with self._guard():
                found = turn.work()
            turn.result.set_result(found)
        except Exception as error:  # noqa: BLE001 -- an error belongs to its asker, not to the lane
            turn.result.set_exception(error)

    def _taken(self) -> _Turn | None:
        with self._changed:
            while not self._turns and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            turn = min(self._turns, key=_Turn.urgency)
            self._turns.remove(turn)
            return turn


def at_once() -> float:
    """When calls are due, and the closing of streams, which frees what others wait for."""
    return -math.inf


class _Job(Generic[T]):
    """An iterator that is made, advanced and closed on its lane's thread."""

    def __init__(self, start: Callable[[CancelToken], Iterator[T]], cancel: CancelToken) -> None:
        self.cancel = cancel
        self.begun = False
        self.ended = False
        self._start = start
        self._items: Iterator[T] | None = None

    def advance(self) -> T:
        self.begun = True
        self.cancel.check()
        if self._items is None:
            self._items = self._start(self.cancel)
        return next(self._items, END)

    def close(self) -> None:
        close = getattr(self._items, "close", None)
        if close is not None:
            close()
