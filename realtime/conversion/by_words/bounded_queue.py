"""A bounded queue of a live stream: when it is full, its writer waits or loses the oldest item.

A writer whose sender is ahead of time, as with a recording, waits for room. A sender that is on
time cannot be made to wait, so its oldest item is left out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.25  # between two looks at whether the sender is still early


class BoundedQueue(Generic[T]):
    """A queue of at most `most` items with one writer and one reader."""

    def __init__(self, most: int, sender_is_early: Callable[[], bool]) -> None:
        self._most, self._sender_is_early = most, sender_is_early
        self._items: deque[T] = deque()
        self._ended = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, item: T) -> T | None:
        """Add an item; return the oldest one if it had to be left out for this."""
        while len(self._items) >= self._most:
            self._room.clear()
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._room.wait()
            except TimeoutError:
                if not self._sender_is_early():
                    break
        left_out = self._items.popleft() if len(self._items) >= self._most else None
        self._items.append(item)
        self._changed.set()
        return left_out

    async def take(self) -> T | None:
        """Wait for the oldest item and return it; None at the end."""
        while not self._items and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        self._room.set()
        return self._items.popleft() if self._items else None

    def clear(self) -> None:
        self._items.clear()
        self._room.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()
