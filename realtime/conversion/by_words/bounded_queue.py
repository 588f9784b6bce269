"""What waits for its turn, bounded: who sends ahead of time waits, who is on time loses the oldest.

It knows not what waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 0.25  # between two looks at whether who sends is early


class BoundedQueue(Generic[T]):
    """One writer's items for one reader."""

    def __init__(self, most: int, early: Callable[[], bool]) -> None:
        self._most, self._early = most, early
        self._items: deque[T] = deque()
        self._ended = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: T) -> T | None:
        """One more; what had to be left out for it, if anything."""
        while len(self._items) >= self._most:
            self._room.clear()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._room.wait()
            except TimeoutError:
                if not self._early():
                    break
        left_out = self._items.popleft() if len(self._items) >= self._most else None
        self._items.append(item)
        self._changed.set()
        return left_out

    async def take(self) -> T | None:
        """The oldest; None: nothing follows."""
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
