"""A bounded buffer of what a microphone sent and nobody has taken yet.

A sender that is faster than time, such as one of a recording, waits until there is room. When the
buffer of a sender that is on time is full, its samples were not taken in time: the oldest are left
out, and counted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np

from realtime.audio.samples import Pcm
from realtime.errors import BadRequest

MOST_SECONDS = 2.0
EARLY_SECONDS = 0.5  # how far ahead of time a microphone may seem
PIECE_SECONDS = 0.1  # that long uploads are cut into, so that each piece may wait or be left out


class MicrophoneBuffer:
    """The samples of one microphone, first in, first out.

    `latency` is the seconds by which its sound comes late: none.
    `waiting` and `left_out` are counts of samples; `arrived` is the time at which the newest
    sample that was taken had come; `drained` is set while the taker waits for more samples.
    """

    latency = 0.0

    def __init__(
        self, rate: int, clock: Callable[[], float], most_seconds: float = MOST_SECONDS
    ) -> None:
        self.waiting = 0
        self.left_out = 0
        self.arrived = clock()
        self.drained = asyncio.Event()
        self._rate = rate
        self._most = round(most_seconds * rate)
        self._clock = clock
        self._parts: deque[tuple[Pcm, float]] = deque()  # each with the time at which it came
        self._ended = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._wanted = 0  # samples that the taker last asked for
        self._drained_at = clock()
        self._came_since = 0  # samples, since it was last drained

    async def add(self, pcm: Pcm) -> None:
        """Add samples; wait for room where the sender is early."""
        if self._ended:
            raise BadRequest("What is to be converted has ended.", code="ended")
        piece = max(1, round(PIECE_SECONDS * self._rate))
        for start in range(0, pcm.size, piece):
            await self._add(pcm[start : start + piece])

    def end(self) -> None:
        """Refuse further samples; those that wait may still be taken."""
        self._ended = True
        self._changed.set()
        self._room.set()

    def clear(self) -> None:
        """Throw away what waits, and end."""
        self._parts.clear()
        self.waiting = 0
        self.end()

    async def take(self, count: int) -> Pcm | None:
        """Wait for so many samples and take them; at the end they may be fewer, then None."""
        while self.waiting < count and not self._ended:
            self._drained_at, self._came_since = self._clock(), self.waiting
            self._changed.clear()
            self._wanted = count
            self.drained.set()
            await self._changed.wait()
        if self._ended and not self.waiting:
            return None
        return self._take_now(min(count, self.waiting))

    def sender_is_early(self) -> bool:
        """Check whether more came than time passed, as when a recording is sent."""
        passed = self._clock() - self._drained_at
        return self._came_since / self._rate - passed > EARLY_SECONDS

    async def _add(self, pcm: Pcm) -> None:
        while self.waiting + pcm.size > self._most and self.sender_is_early() and not self._ended:
            self._room.clear()
            await self._room.wait()
        self._parts.append((pcm.copy(), self._clock()))
        self.waiting += pcm.size
        self._came_since += pcm.size
        while self.waiting > self._most:
            oldest, _ = self._parts.popleft()
            self.waiting -= oldest.size
            self.left_out += oldest.size
        if self.waiting >= self._wanted:
            self.drained.clear()
        self._changed.set()

    def _take_now(self, count: int) -> Pcm:
        taken = []
        missing = count
        while missing:
            part, self.arrived = self._parts.popleft()
            if part.size > missing:
                self._parts.appendleft((part[missing:], self.arrived))
                part = part[:missing]
            taken.append(part)
            missing -= part.size
        self.waiting -= count
        self._room.set()
        return np.concatenate(taken) if taken else np.zeros(0, np.int16)
