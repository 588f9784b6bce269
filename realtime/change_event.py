"""An event for many tasks that wait for the next change of a thing."""

from __future__ import annotations

import asyncio


class ChangeEvent:
    """Changes of one thing; used on one loop only.

    Unlike an `asyncio.Event` it needs no clearing: a task that waits sees the next change only, and
    looks for itself whether it may go on.
    """

    def __init__(self) -> None:
        self._next = asyncio.Event()

    async def wait(self) -> None:
        """Wait until the next change is announced."""
        await self._next.wait()

    def announce(self) -> None:
        """Wake all tasks that wait now."""
        announced, self._next = self._next, asyncio.Event()
        announced.set()
