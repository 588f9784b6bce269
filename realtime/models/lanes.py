"""A lane: the one thread of an engine, where streams take turns, the earliest deadline first.

A stream is an iterator; each of its items is a turn, which its listener asks for. So nothing is
computed before a listener wants it, and the queue has at most one turn of each stream. All turns of
a stream run in a copy of the context in which it began: what they log has the request's id.
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
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.engines.contract import (
    Accelerates,
    CancelToken,
    Engine,
    MayUseCuda,
    WorkCancelled,
)
from realtime.errors import Busy, YamabikoError

logger = logging.getLogger(__name__)

T = TypeVar("T")

WHEN_IDLE = math.inf  # the deadline of a stream that nobody listens to yet
END: Any = object()  # ends a stream; StopIteration cannot be raised through a future


@dataclass(frozen=True, eq=False)
class _Turn:
    deadline: Callable[[], float]  # asked whenever a turn is chosen: a listener may come meanwhile
    number: int  # in the order of asking, which decides between equal deadlines
    work: Callable[[], Any]
    context: Context
    result: Future[Any]

    def urgency(self) -> tuple[float, int]:
        return self.deadline(), self.number


class Lane:
    """A thread that runs the turn with the earliest deadline, until it is closed."""

    def __init__(
        self,
        name: str,
        most_jobs: int = 256,
        guard: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Start the thread; each turn runs inside a `guard()` of its own."""
        self.name = name
        self.jobs = 0  # streams that have begun and not ended
        self.guard = guard  # of each turn
        self._most_jobs = most_jobs
        self._turns: list[_Turn] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._reason: YamabikoError | None = None  # why it was closed under its users
        self._running: set[CancelToken] = set()
        self._thread = threading.Thread(target=self._work, name=f"lane-{name}", daemon=True)
        self._thread.start()

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run a function on the lane's thread, before the turns of streams."""
        turn = self._ask(lambda: function(*args), due_now, copy_context())
        return await asyncio.wrap_future(turn)

    async def stream(
        self,
        start: Callable[[CancelToken], Iterator[T]],
        deadline: Callable[[], float],
    ) -> AsyncGenerator[T, None]:
        """Yield the items of an iterator that runs on this thread; leaving early closes it.

        `deadline` is asked whenever a turn is chosen: when will the listener have nothing to play?
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
        self._running.add(job.cancel)
        try:
            while (item := await self._next(job, deadline)) is not END:
                yield item
            job.ended = True
        finally:
            self.jobs -= 1
            self._running.discard(job.cancel)
            await self._release(job)

    def close(self, timeout: float = 5.0, reason: YamabikoError | None = None) -> None:
        """Stop the thread: the turn under way ends first, the turns that wait are refused.

        With a reason streams are cancelled, and it is the error with which they end.
        """
        with self._changed:
            self._closed, self._reason = True, reason
            self._changed.notify()
        for cancel in list(self._running) if reason else ():
            cancel.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    async def _next(self, job: _Job[T], deadline: Callable[[], float]) -> T:
        turn = self._ask(job.advance, deadline, job.context)
        try:
            return await asyncio.wrap_future(turn)
        except WorkCancelled:
            if self._reason is None:
                raise
            raise self._reason from None
        except asyncio.CancelledError:
            # Cancelling the future does not stop a turn that runs; the token does.
            job.cancel.set()
            raise

    async def _release(self, job: _Job[T]) -> None:
        """Close a stream that was left early, on the lane's thread, and wait until that is done."""
        job.cancel.set()
        if job.ended or not job.begun:
            return
        closing = asyncio.wrap_future(self._ask(job.close, due_now, job.context))
        # `wait` does not cancel the turn when the caller is cancelled once more.
        await asyncio.wait((closing,))
        if (error := closing.exception()) is not None:
            logger.debug("a stream on %s could not be closed: %r", self.name, error)

    def _ask(
        self, work: Callable[[], T], deadline: Callable[[], float], context: Context
    ) -> Future[T]:
        """Queue a turn and return its future result."""
        result: Future[T] = Future()
        with self._changed:
            if self._closed:
                result.set_exception(self._refusal())
                return result
            self._turns.append(_Turn(deadline, next(self._numbers), work, context, result))
            self._changed.notify()
        return result

    def _work(self) -> None:
        while (turn := self._take()) is not None:
            # False for a turn whose listener has left: it costs nothing.
            if turn.result.set_running_or_notify_cancel():
                self._run(turn)
        for turn in self._turns:
            if turn.result.set_running_or_notify_cancel():
                turn.result.set_exception(self._refusal())

    def _refusal(self) -> YamabikoError:
        return self._reason or Busy(f"The lane {self.name!r} is closed.", retry_after=2)

    def _run(self, turn: _Turn) -> None:
        """Run a turn; its result or its error goes to its caller."""
        try:
            with self.guard():
                found = turn.context.run(turn.work)
            turn.result.set_result(found)
        except Exception as error:  # noqa: BLE001 -- it is the caller's error, not the lane's
            turn.result.set_exception(error)

    def _take(self) -> _Turn | None:
        """Wait for the most urgent turn; return None when the lane is closed."""
        with self._changed:
            while not self._turns and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            turn = min(self._turns, key=_Turn.urgency)
            self._turns.remove(turn)
            return turn


def due_now() -> float:
    """Give the deadline of calls, and of closing a stream, which frees the lane for others."""
    return -math.inf


class _Job(Generic[T]):
    """A stream: its iterator is made, advanced and closed on its lane's thread."""

    def __init__(self, start: Callable[[CancelToken], Iterator[T]], cancel: CancelToken) -> None:
        self.cancel = cancel
        self.context = copy_context()
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


def guard_of(engine: Engine) -> Callable[[], AbstractContextManager[None]]:
    """Give the guard of an engine's turns: CUDA's lock, or none for an engine that stays off it."""
    may_use_cuda = isinstance(engine, MayUseCuda) and engine.may_use_cuda
    return DEVICE_LOCK.working if may_use_cuda or isinstance(engine, Accelerates) else nullcontext
