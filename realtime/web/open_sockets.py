"""The open sockets: their bound, and their end when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from realtime.errors import Busy
from realtime.metrics import Metrics

CLOSE_SECONDS = 2.0  # in which the last messages must have been read when the server stops


class OpenSocket(Protocol):
    """A socket, as far as the stop of the server needs it."""

    async def drain(self, seconds: float) -> None:
        """Take nothing new, end the speech within so many seconds, then close."""


class OpenSockets:
    """The sockets that are open, and the bound on their number."""

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
        """Raise `Busy` when there are too many, or when the server is stopping."""
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
    def holding(self, socket: OpenSocket) -> Iterator[None]:
        """Count a socket while the context lasts."""
        self._open.add(socket)
        self._note_change()
        try:
            yield
        finally:
            self._open.discard(socket)
            self._note_change()

    async def drain(self, seconds: float) -> None:
        """Refuse new sockets, and end the open ones within so many seconds."""
        self._draining = True
        ending = (socket.drain(seconds) for socket in tuple(self._open))
        await asyncio.gather(*ending, return_exceptions=True)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._empty.wait()
        except TimeoutError:
            pass  # a client that reads nothing is closed without a reason

    def _note_change(self) -> None:
        self._metrics.set_sockets(len(self._open))
        if self._open:
            self._empty.clear()
        else:
            self._empty.set()
