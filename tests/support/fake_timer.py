"""A clock for tests of sessions: its time passes only when a test advances it."""

from __future__ import annotations

import asyncio
import heapq
import itertools

from realtime.timer import Timer


class FakeTimer(Timer):
    """A timer whose time stands still until `advance`, which wakes its sleepers in order.

    Between two sleepers, tasks and threads get a moment to work.
    """

    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.time

    def wall_ms(self) -> int:
        return round(1000 * self.time)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return await asyncio.sleep(0)
        await self._alarm(seconds).wait()

    async def wait_within(self, seconds: float, event: asyncio.Event) -> bool:
        if seconds <= 0:
            return event.is_set()
        alarm = self._alarm(seconds)
        waiting = [asyncio.ensure_future(each.wait()) for each in (event, alarm)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return event.is_set()
        finally:
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, and wake each sleeper at its own moment."""
        end = self.time + seconds
        await let_tasks_run()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.time, _, alarm = heapq.heappop(self._sleepers)
            alarm.set()
            await let_tasks_run()
        self.time = end
        await let_tasks_run()

    def _alarm(self, seconds: float) -> asyncio.Event:
        alarm = asyncio.Event()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._numbers), alarm))
        return alarm


async def let_tasks_run(turns: int = 10) -> None:
    """Give tasks that can run, and threads of engines, a moment to work."""
    for _ in range(turns):
        await asyncio.sleep(0.0002)
