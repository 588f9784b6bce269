"""The clock of sessions; tests replace it by one that they advance."""

from __future__ import annotations

import asyncio
import time


class Timer:
    """A clock, and waiting for its time to pass."""

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """Return Unix time in milliseconds."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait_within(self, seconds: float, event: asyncio.Event) -> bool:
        """Wait for an event, at most so long; tell whether it came."""
        try:
            async with asyncio.timeout(seconds):
                return await event.wait()
        except TimeoutError:
            return False
