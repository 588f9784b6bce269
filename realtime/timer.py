"""Time as a conversation takes it; a test brings a time of its own."""

from __future__ import annotations

import asyncio
import time


class Timer:
    """What time it is, and waiting for it to pass."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """Unix milliseconds, as a person's clock has them."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait_within(self, seconds: float, event: asyncio.Event) -> bool:
        """Whether an event comes before so much time has passed."""
        try:
            async with asyncio.timeout(seconds):
                return await event.wait()
        except TimeoutError:
            return False
