"""A microphone for benchmarks: it sends in time, and notes how late each sample is heard.

With `SkippedClock` nothing is waited for: computing takes the time it takes, pauses take none. So
a benchmark of half an hour takes a fraction of that, with every delay as it would be.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np

from realtime.audio.samples import Pcm
from realtime.conversion.live import Conversion
from realtime.conversion.notices import ConversionNotice

PACKET_SECONDS = 0.02


class SkippedClock:
    """The real clock, put forward over every pause."""

    def __init__(self) -> None:
        self._skipped = 0.0  # seconds

    def __call__(self) -> float:
        return time.perf_counter() + self._skipped

    async def until(self, moment: float) -> None:
        self._skipped += max(0.0, moment - self())


class RealClock:
    """The real clock, which waits."""

    def __call__(self) -> float:
        return time.perf_counter()

    async def until(self, moment: float) -> None:
        if (missing := moment - self()) > 0:
            await asyncio.sleep(missing)


@dataclass
class ListenerNotes:
    """A listener's notes: seconds from when a sample was spoken to when it was heard."""

    delays: list[float] = field(default_factory=list)  # of the first, so the oldest, of a chunk
    notices: list[str] = field(default_factory=list)
    samples: int = 0


class Microphone:
    """A microphone that sends a recording round and round into a conversion, and its listener."""

    def __init__(
        self,
        conversion: Conversion,
        pcm: Pcm,
        clock: SkippedClock | RealClock,
        start_after: float = 0.0,
    ) -> None:
        self._conversion, self._pcm, self._clock = conversion, pcm, clock
        self._rate = conversion.rate
        self._start_after = start_after  # so that many microphones do not send at the same moment
        self._start = 0.0
        self._notes = ListenerNotes()

    async def run(self, seconds: float, hurried: bool = False) -> ListenerNotes:
        """Send so many seconds of sound, and return the listener's notes.

        `hurried` sends the next packet only when the last one has been worked on.
        """
        self._start = self._clock() + self._start_after
        listening = asyncio.create_task(self._listen())
        packet = round(PACKET_SECONDS * self._rate)
        sound = np.resize(self._pcm, self._pcm.size // packet * packet)
        for number in range(round(seconds / PACKET_SECONDS)):
            await self._clock.until(self._start + (number + 1) * PACKET_SECONDS)
            place = number * packet % sound.size
            await self._conversion.feed(sound[place : place + packet])
            if hurried:
                await self._conversion.buffer.drained.wait()
        self._conversion.end()
        await listening
        return self._notes

    async def _listen(self) -> None:
        notes = self._notes
        async with aclosing(self._conversion.output()) as items:
            async for item in items:
                if isinstance(item, ConversionNotice):
                    notes.notices.append(item.code)
                    continue
                spoken = self._start + notes.samples / self._conversion.output_rate
                notes.delays.append(self._clock() - spoken)
                notes.samples += item.size
