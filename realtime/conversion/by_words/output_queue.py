"""The output queue of one listener: events, which go first, and sound.

The queue is bounded: a listener that takes nothing makes the writers wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from realtime.audio.samples import Pcm

T = TypeVar("T")

MOST_EVENTS = 32
MOST_SOUNDS = 2  # few, so that what is hushed or stopped ends soon


class OutputQueue(Generic[T]):
    """A queue with several writers and one reader."""

    def __init__(self) -> None:
        self._events: deque[T] = deque()
        self._sounds: deque[Pcm] = deque()
        self._error: Exception | None = None
        self._ended = False
        self._filled = asyncio.Event()
        self._room = asyncio.Event()

    async def put_event(self, event: T) -> None:
        await self._wait_for_room(self._events, MOST_EVENTS)
        self._events.append(event)
        self._filled.set()

    async def put_sound(self, pcm: Pcm) -> None:
        await self._wait_for_room(self._sounds, MOST_SOUNDS)
        self._sounds.append(pcm)
        self._filled.set()

    def drop_sound(self) -> None:
        """Throw away the sound that was not taken yet."""
        self._sounds.clear()
        self._room.set()

    def end(self, error: Exception | None = None) -> None:
        """End the queue; the first error is raised at the reader when the rest is taken."""
        self._ended, self._error = True, self._error or error
        self._filled.set()

    async def take(self) -> T | Pcm | None:
        """Wait for the next item and return it; None at the end."""
        while not (self._events or self._sounds or self._ended):
            self._filled.clear()
            await self._filled.wait()
        self._room.set()
        if self._events:
            return self._events.popleft()
        if self._sounds:
            return self._sounds.popleft()
        if self._error is not None:
            raise self._error
        return None

    async def _wait_for_room(self, items: deque[T] | deque[Pcm], most: int) -> None:
        while len(items) >= most:
            self._room.clear()
            await self._room.wait()
