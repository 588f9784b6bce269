"""What waits to be sent to one client, in bounded memory; it knows no message and no socket.

Each stream keeps its own order. Between streams, what is due first goes first, and news that
belongs to no stream goes before all.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass

MOST_BYTES = 256 << 10
MOST_NEWS_BYTES = 64 << 10
AT_ONCE = -math.inf

Data = str | bytes


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """One thing to be sent; the last one of a stream ends it."""

    data: Data
    stream: int = 0
    due: float = AT_ONCE
    last: bool = False


class SendQueue:
    """Streams of parcels and one reader; a stream that was ended takes nothing more."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_news: int = MOST_NEWS_BYTES) -> None:
        self.bytes = 0
        self._most_bytes = most_bytes
        self._most_news = most_news
        self._news_bytes = 0
        self._news: deque[Data] = deque()
        self._streams: dict[int, deque[QueuedMessage]] = {}
        self._ended: set[int] = set()
        self._closed = False
        self._finishing = False
        self._changed = asyncio.Event()

    def open(self, stream: int) -> None:
        self._streams[stream] = deque()

    async def put(self, stream: int, data: Data, due: float = AT_ONCE) -> None:
        """Something of a stream; it waits while there is no room.

        What is next of a stream always finds room: nobody waits for the sound of others.
        """
        while self._takes(stream) and self._streams[stream] and self.bytes >= self._most_bytes:
            await self._changed.wait()
        if self._takes(stream):
            self._add(QueuedMessage(data, stream, due))

    def end(self, stream: int, data: Data, due: float = AT_ONCE, drop: bool = False) -> None:
        """The last of a stream; with `drop` instead of everything of it that still waits."""
        if drop and stream in self._streams:
            self.bytes -= sum(len(parcel.data) for parcel in self._streams[stream])
            self._streams[stream].clear()
        if stream in self._streams:
            self._add(QueuedMessage(data, stream, due, last=True))
            self._ended.add(stream)

    def drop(self, stream: int) -> None:
        """Leave out the sound of a stream that still waits; its messages stay."""
        if stream in self._streams:
            waiting = self._streams[stream]
            kept = deque(each for each in waiting if each.last or isinstance(each.data, str))
            self.bytes -= sum(len(each.data) for each in waiting)
            self.bytes += sum(len(each.data) for each in kept)
            self._streams[stream] = kept
            self._wake()

    async def tell(self, data: Data) -> None:
        """News of no stream; whoever brings more of it than is read waits."""
        while self._news_bytes >= self._most_news and not self._closed:
            await self._changed.wait()
        if not self._closed:
            self._news.append(data)
            self._news_bytes += len(data)
            self._wake()

    async def take(self) -> QueuedMessage | None:
        """The next thing to send, as soon as there is one; None: nothing comes any more."""
        while True:
            if self._news:
                data = self._news.popleft()
                self._news_bytes -= len(data)
                self._wake()
                return QueuedMessage(data)
            if self._closed or (self._finishing and not self._streams):
                return None
            if (parcel := self._next()) is not None:
                return parcel
            await self._changed.wait()

    def finish(self) -> None:
        """Nothing new begins; it is closed when what waits is taken."""
        self._finishing = True
        self._wake()

    def close(self) -> None:
        """No stream is sent any more, only the news that there is."""
        self._closed = True
        self._streams.clear()
        self._ended.clear()
        self.bytes = 0
        self._wake()

    def _takes(self, stream: int) -> bool:
        return stream in self._streams and stream not in self._ended

    def _add(self, parcel: QueuedMessage) -> None:
        self._streams[parcel.stream].append(parcel)
        self.bytes += len(parcel.data)
        self._wake()

    def _next(self) -> QueuedMessage | None:
        waiting = [parcels for parcels in self._streams.values() if parcels]
        if not waiting:
            return None
        parcel = min(waiting, key=lambda parcels: parcels[0].due).popleft()
        self.bytes -= len(parcel.data)
        if parcel.last:
            del self._streams[parcel.stream]
            self._ended.discard(parcel.stream)
        self._wake()
        return parcel

    def _wake(self) -> None:
        """Wake all who wait; each looks for itself whether it concerns them."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
