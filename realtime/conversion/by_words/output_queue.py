"""What one listener is given: sound, and before it whatever is to be told; it makes neither.

A listener who takes nothing holds up who gives, so that nothing piles up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from realtime.audio.samples import Pcm

T = TypeVar("T")

MOST_TOLD = 32
MOST_SOUNDS = 2


class OutputQueue(Generic[T]):
    """Several givers, one taker."""

    def __init__(self) -> None:
        self._told: deque[T] = deque()
        self._sounds: deque[Pcm] = deque()
        self._error: Exception | None = None
        self._ended = False
        self._filled = asyncio.Event()
        self._room = asyncio.Event()

    async def tell(self, item: T) -> None:
        await self._has_room(self._told, MOST_TOLD)
        self._told.append(item)
        self._filled.set()

    async def sound(self, pcm: Pcm) -> None:
        await self._has_room(self._sounds, MOST_SOUNDS)
        self._sounds.append(pcm)
        self._filled.set()

    def hush(self) -> None:
        """Sound that nobody took is not wanted any more."""
        self._sounds.clear()
        self._room.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing follows; an error is thrown at the taker once the rest is taken."""
        self._ended, self._error = True, self._error or error
        self._filled.set()

    async def take(self) -> T | Pcm | None:
        """The next item; None: there is no more."""
        while not (self._told or self._sounds or self._ended):
            self._filled.clear()
            await self._filled.wait()
        self._room.set()
        if self._told:
            return self._told.popleft()
        if self._sounds:
            return self._sounds.popleft()
        if self._error is not None:
            raise self._error
        return None

    async def _has_room(self, items: deque[T] | deque[Pcm], most: int) -> None:
        while len(items) >= most:
            self._room.clear()
            await self._room.wait()
