"""The requests of one host process: what was asked, what came back, and its end for all of them."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from realtime.engines.contract import CancelToken, Samples, WorkCancelled
from realtime.engines.outside import protocol
from realtime.engines.outside.protocol import JoinedSound
from realtime.errors import Busy, YamabikoError

ANSWER_SECONDS = 10.0  # for which a question waits
END_WAIT_SECONDS = 10.0  # for the reason of an end that writing has noticed first
Send = Callable[..., None]
Sound = tuple[Samples, tuple[protocol.SpokenWord, ...]]  # a chunk, and the words in it


@dataclass(eq=False)
class Reply:
    """A request, with all that has come for it."""

    number: int
    wanted: int = 0  # chunks that were asked for and have not come
    chunks: deque[Sound] = field(default_factory=deque)
    joined: JoinedSound = field(default_factory=JoinedSound)
    value: Any = None
    ended: bool = False
    error: Exception | None = None
    cancelled: bool = False

    @property
    def settled(self) -> bool:
        """Tell whether a waiting thread has something to do."""
        return bool(self.chunks) or self.ended or self.cancelled or self.error is not None


class Connection:
    """The requests of a process; `send` writes to it, and its reader calls `take` and `end`."""

    def __init__(self, send: Send, clock: Callable[[], float] = time.monotonic) -> None:
        self.failure: YamabikoError | None = None  # with which all ends
        self._send = send
        self._clock = clock
        self._changed = threading.Condition()
        self._replies: dict[int, Reply] = {}
        self._numbers = itertools.count(1)
        self._progress_at = clock()

    def idle_seconds(self) -> float:
        """Count the seconds for which something was wanted and nothing came; 0 where none is."""
        with self._changed:
            waits = any(reply.wanted and not reply.settled for reply in self._replies.values())
            return self._clock() - self._progress_at if waits else 0.0

    def note_progress(self) -> None:
        self._progress_at = self._clock()

    def stream(
        self,
        begin: Callable[[int], Any],
        cancel: CancelToken,
        blocks: Iterator[Samples] | None = None,
        ahead: int = 0,
    ) -> Iterator[Sound]:
        """Yield the chunks of a stream, each when it is wanted; `begin` makes its first message.

        So many chunks are computed `ahead`: while the lane waits for another stream. With `blocks`,
        which are sent one by one, each gives one chunk.
        """
        reply = self._open()
        try:
            self._write(begin(reply.number))
            for _ in range(ahead):
                self._permit(reply)
            while blocks is None or self._send_block(reply.number, blocks):
                self._permit(reply)
                self._wait(reply, cancel)
                if not reply.chunks:
                    return
                yield reply.chunks.popleft()
        finally:
            self._close(reply)

    def ask(self, message: Callable[[int], Any]) -> Any:
        """Ask a question, which is answered beside the streams."""
        return self._request(message, None, ANSWER_SECONDS)

    def load(self, message: protocol.Load) -> Any:
        """Send a load and wait for its end; the watch over the process bounds that."""
        return self._request(lambda _: message, 0, None)

    def _request(
        self, message: Callable[[int], Any], number: int | None, seconds: float | None
    ) -> Any:
        reply = self._open(number)
        try:
            self._want(reply)
            self._write(message(reply.number))
            self._wait(reply, CancelToken(), seconds)
            return reply.value
        finally:
            with self._changed:
                self._replies.pop(reply.number, None)

    def take(self, message: Any, sound: bytes) -> None:
        """Take a message of the process."""
        with self._changed:
            self._progress_at = self._clock()
            reply = self._replies.get(getattr(message, "request", 0))
            if reply is None:  # it was cancelled
                return
            if isinstance(message, protocol.Audio):
                samples = reply.joined.add(sound, message.more)
                if samples is None:
                    return
                reply.chunks.append((samples, tuple(message.words)))
                reply.wanted -= 1
            elif isinstance(message, protocol.Failed):
                reply.error, reply.wanted = error_of(message), 0
            elif isinstance(message, protocol.Loaded):
                reply.value, reply.ended, reply.wanted = message.facts, True, 0
            elif isinstance(message, protocol.Answered):
                reply.value, reply.ended, reply.wanted = message.value, True, 0
            elif isinstance(message, protocol.Ended):
                reply.ended, reply.wanted = True, 0
            self._changed.notify_all()

    def end(self, failure: YamabikoError) -> None:
        """End every request with an error: the process is gone."""
        with self._changed:
            self.failure = failure
            self._changed.notify_all()

    def _open(self, number: int | None = None) -> Reply:
        with self._changed:
            if self.failure is not None:
                raise self.failure.copy()
            reply = Reply(next(self._numbers) if number is None else number)
            self._replies[reply.number] = reply
            return reply

    def _permit(self, reply: Reply) -> None:
        """Permit one more chunk of a stream."""
        self._want(reply)
        self._write(protocol.More(reply.number))

    def _want(self, reply: Reply) -> None:
        with self._changed:
            if not any(each.wanted for each in self._replies.values()):
                self._progress_at = self._clock()  # until now nobody waited
            reply.wanted += 1

    def _send_block(self, number: int, blocks: Iterator[Samples]) -> bool:
        """Send the next block; return False where there is none."""
        block = next(blocks, None)
        if block is None:
            return False
        for sound, more in protocol.cut_sound(block):
            self._write(protocol.Block(number, more), sound)
        return True

    def _wait(self, reply: Reply, cancel: CancelToken, seconds: float | None = None) -> None:
        """Wait for a chunk, the end or an error; raise the error."""

        def interrupt() -> None:
            with self._changed:
                reply.cancelled = True
                self._changed.notify_all()

        cancel.interrupt_with(interrupt)
        try:
            with self._changed:
                came = self._changed.wait_for(
                    lambda: reply.settled or self.failure is not None, seconds
                )
        finally:
            cancel.interrupt_with(None)
        if not came:
            raise Busy("The process of the engine does not answer just now.", retry_after=2)
        if reply.cancelled:
            raise WorkCancelled
        if reply.chunks:
            return
        if reply.error is not None:
            raise reply.error
        if not reply.ended and self.failure is not None:
            raise self.failure.copy()

    def _close(self, reply: Reply) -> None:
        """Forget a stream; the process is told if it goes on without that."""
        with self._changed:
            self._replies.pop(reply.number, None)
            ended = reply.ended or reply.error is not None or self.failure is not None
        if not ended:
            try:
                self._send(protocol.Drop(reply.number))
            except OSError:
                pass  # it is gone, and so is the stream

    def _write(self, message: Any, sound: bytes = b"") -> None:
        try:
            self._send(message, sound)
        except OSError:
            # The reader learns of the end as well, and knows the reason.
            with self._changed:
                self._changed.wait_for(lambda: self.failure is not None, END_WAIT_SECONDS)
            if self.failure is not None:
                raise self.failure.copy() from None
            raise


class OutsideFault(Exception):
    """The error of an engine outside that is not for people: its trace is in the log."""


def error_of(message: protocol.Failed) -> Exception:
    """Return the error that a host describes."""
    kinds = {kind.__name__: kind for kind in _kinds(YamabikoError)}
    kind = kinds.get(message.kind)
    if kind is None:
        return OutsideFault(message.message)
    code = message.code or None
    return kind(
        message.message,
        code=code,
        hint=message.hint,
        field=message.field,
        retry_after=message.retry_after,
    )


def _kinds(kind: type[YamabikoError]) -> Iterator[type[YamabikoError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
