"""A microphone for benchmarks: sends in time, and notes how late each sample is heard.

In skipped time nothing is waited for: computing takes the time it takes, pauses take none. What a
machine can do is measured so in a fraction of the time, with every delay as it would be.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np

from realtime.audio.samples import Pcm
from realtime.conversion.live import Conversion, ConversionNotice

PACKET_SECONDS = 0.02


class SkippedClock:
    """The real clock, put forward over every pause."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.perf_counter() + self._ahead

    async def until(self, moment: float) -> None:
        self._ahead += max(0.0, moment - self())


class RealClock:
    """The real clock."""

    def __call__(self) -> float:
        return time.perf_counter()

    async def until(self, moment: float) -> None:
        if (missing := moment - self()) > 0:
            await asyncio.sleep(missing)


@dataclass
class Heard:
    """What a listener noted; seconds from when a sample was spoken to when it was heard."""

    delays: list[float] = field(default_factory=list)  # of the first, so the oldest, of a chunk
    notices: list[str] = field(default_factory=list)
    samples: int = 0


class Microphone:
    """Sends a recording round and round into a conversion."""

    def __init__(
        self, conversion: Conversion, pcm: Pcm, clock: SkippedClock | RealClock, late: float = 0.0
    ) -> None:
        self._conversion, self._pcm, self._clock = conversion, pcm, clock
        self._rate = conversion.rate
        self._late = late  # so that many microphones do not send at the same moment
        self._start = 0.0
        self.heard = Heard()

    async def run(self, seconds: float, hurried: bool = False) -> Heard:
        """`hurried`: the next packet is sent when the last one has been worked on."""
        self._start = self._clock() + self._late
        hearing = asyncio.create_task(self._hear())
        packet = round(PACKET_SECONDS * self._rate)
        sound = np.resize(self._pcm, self._pcm.size // packet * packet)
        for number in range(round(seconds / PACKET_SECONDS)):
            await self._clock.until(self._start + (number + 1) * PACKET_SECONDS)
            place = number * packet % sound.size
            await self._conversion.feed(sound[place : place + packet])
            if hurried:
                await self._conversion.intake.hungry.wait()
        self._conversion.end()
        await hearing
        return self.heard

    async def _hear(self) -> None:
        async with aclosing(self._conversion.output()) as items:
            async for item in items:
                if isinstance(item, ConversionNotice):
                    self.heard.notices.append(item.code)
                    continue
                spoken = self._start + self.heard.samples / self._conversion.output_rate
                self.heard.delays.append(self._clock() - spoken)
                self.heard.samples += item.size
