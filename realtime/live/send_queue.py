"""The queue of messages and sound that wait to be sent to one client, in bounded memory.

Each stream keeps its own order. Between streams, the message that is due first goes first. Urgent
messages, which belong to no stream (errors, pongs), go before all.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from realtime.change_event import ChangeEvent

MOST_BYTES = 256 << 10
MOST_URGENT_BYTES = 64 << 10
AT_ONCE = -math.inf

Data = str | bytes


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message to be sent; the `last` one of a stream ends it."""

    data: Data
    stream: int = 0
    due: float = AT_ONCE
    last: bool = False


class SendQueue:
    """Queues of messages, one a stream, with one reader; an ended stream takes nothing more."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_urgent: int = MOST_URGENT_BYTES) -> None:
        self.bytes = 0  # of all streams
        self._most_bytes = most_bytes
        self._most_urgent = most_urgent
        self._urgent_bytes = 0
        self._urgent: deque[Data] = deque()
        self._streams: dict[int, deque[QueuedMessage]] = {}
        self._ended: set[int] = set()  # streams whose last message is queued
        self._closed = False
        self._finishing = False
        self._changed = ChangeEvent()

    def open(self, stream: int) -> None:
        self._streams[stream] = deque()

    async def put(self, stream: int, data: Data, due: float = AT_ONCE) -> None:
        """Queue a message of a stream; wait while the queue is full.

        An empty stream may always queue one message: a client's slow stream holds no other up.
        """
        while self._is_open(stream) and self._streams[stream] and self.bytes >= self._most_bytes:
            await self._changed.wait()
        if self._is_open(stream):
            self._add(QueuedMessage(data, stream, due))

    def end(self, stream: int, data: Data, due: float = AT_ONCE, drop: bool = False) -> None:
        """Queue the last message of a stream; with `drop`, in place of all that still waits."""
        if drop and stream in self._streams:
            self.bytes -= sum(len(message.data) for message in self._streams[stream])
            self._streams[stream].clear()
        if stream in self._streams:
            self._add(QueuedMessage(data, stream, due, last=True))
            self._ended.add(stream)

    def drop(self, stream: int) -> None:
        """Drop the sound of a stream that still waits; its text messages stay."""
        if stream in self._streams:
            waiting = self._streams[stream]
            kept = deque(each for each in waiting if each.last or isinstance(each.data, str))
            self.bytes -= sum(len(each.data) for each in waiting)
            self.bytes += sum(len(each.data) for each in kept)
            self._streams[stream] = kept
            self._changed.announce()

    async def put_urgent(self, data: Data) -> None:
        """Queue a message of no stream; wait while too many of them are not read."""
        while self._urgent_bytes >= self._most_urgent and not self._closed:
            await self._changed.wait()
        if not self._closed:
            self._urgent.append(data)
            self._urgent_bytes += len(data)
            self._changed.announce()

    async def take(self) -> QueuedMessage | None:
        """Wait for the next message to send; None when no more will come."""
        while True:
            if self._urgent:
                data = self._urgent.popleft()
                self._urgent_bytes -= len(data)
                self._changed.announce()
                return QueuedMessage(data)
            if self._closed or (self._finishing and not self._streams):
                return None
            if (message := self._next()) is not None:
                return message
            await self._changed.wait()

    def finish(self) -> None:
        """Let the reader stop as soon as every stream has ended and been read."""
        self._finishing = True
        self._changed.announce()

    def close(self) -> None:
        """Drop every stream; only the urgent messages that are there are still read."""
        self._closed = True
        self._streams.clear()
        self._ended.clear()
        self.bytes = 0
        self._changed.announce()

    def _is_open(self, stream: int) -> bool:
        return stream in self._streams and stream not in self._ended

    def _add(self, message: QueuedMessage) -> None:
        self._streams[message.stream].append(message)
        self.bytes += len(message.data)
        self._changed.announce()

    def _next(self) -> QueuedMessage | None:
        waiting = [messages for messages in self._streams.values() if messages]
        if not waiting:
            return None
        message = min(waiting, key=lambda messages: messages[0].due).popleft()
        self.bytes -= len(message.data)
        if message.last:
            del self._streams[message.stream]
            self._ended.discard(message.stream)
        self._changed.announce()
        return message
