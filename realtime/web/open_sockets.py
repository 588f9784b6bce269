"""The sockets that are open: how many there may be, and how they end when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from realtime.errors import Busy
from realtime.metrics import Metrics

LAST_SECONDS = 2.0  # in which the last words of a conversation leave


class OpenSocket(Protocol):
    """What a socket is to the server as a whole."""

    async def drain(self, seconds: float) -> None:
        """Takes nothing new, ends what is being spoken within some seconds, then closes."""


class OpenSockets:
    """Counts conversations and lets them end in peace."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        self._most = most
        self._metrics = metrics
        self._open: set[OpenSocket] = set()
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._open)

    def check_room(self) -> None:
        """Refused when there are too many, or the server takes nothing new."""
        if self._draining:
            raise Busy("The server is stopping.", code="draining", retry_after=5)
        if len(self._open) >= self._most:
            raise Busy(
                f"{len(self._open)} sockets are open, which is the limit.",
                code="too_many_sockets",
                hint="Ask again in a moment.",
                retry_after=2,
            )

    @contextmanager
    def holding(self, conversation: OpenSocket) -> Iterator[None]:
        """While a conversation goes on."""
        self._open.add(conversation)
        self._changed()
        try:
            yield
        finally:
            self._open.discard(conversation)
            self._changed()

    async def drain(self, seconds: float) -> None:
        """From now on nobody new; who is there ends within some seconds."""
        self._draining = True
        ending = (conversation.drain(seconds) for conversation in tuple(self._open))
        await asyncio.gather(*ending, return_exceptions=True)
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self._empty.wait()
        except TimeoutError:
            pass  # who reads nothing is not told why

    def _changed(self) -> None:
        self._metrics.set_sockets(len(self._open))
        if self._open:
            self._empty.clear()
        else:
            self._empty.set()
