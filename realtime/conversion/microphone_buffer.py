"""What a microphone sent and nobody took yet: bounded, whatever it sends; it knows no converter.

Who sends faster than time passes, such as a recording, waits until there is room. Who only sends
on time and finds no room was not taken from in time: then what is oldest is left out.
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
PIECE_SECONDS = 0.1


class MicrophoneBuffer:
    """One stream's samples on their way in."""

    def __init__(
        self, rate: int, clock: Callable[[], float], most_seconds: float = MOST_SECONDS
    ) -> None:
        self.waiting = 0
        self.left_out = 0
        self.arrived = clock()  # when the newest sample that was taken came
        self._rate = rate
        self._most = round(most_seconds * rate)
        self._clock = clock
        self._parts: deque[tuple[Pcm, float]] = deque()
        self._ended = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._wanted = 0
        self.hungry = asyncio.Event()  # set while all that was sent has been worked on
        self._even = clock()  # when last nothing waited
        self._since = 0  # samples that came since

    async def add(self, pcm: Pcm) -> None:
        if self._ended:
            raise BadRequest("What is to be converted has ended.", code="ended")
        piece = max(1, round(PIECE_SECONDS * self._rate))
        for start in range(0, pcm.size, piece):
            await self._add(pcm[start : start + piece])

    def end(self) -> None:
        """Nothing more comes; what is there may be taken."""
        self._ended = True
        self._changed.set()
        self._room.set()

    def clear(self) -> None:
        self._parts.clear()
        self.waiting = 0
        self.end()

    async def take(self, count: int) -> Pcm | None:
        """So many samples, fewer only at the end, then None."""
        while self.waiting < count and not self._ended:
            self._even, self._since = self._clock(), self.waiting
            self._changed.clear()
            self._wanted = count
            self.hungry.set()
            await self._changed.wait()
        if not self.waiting and (count or self._ended):
            return None
        return self._taken(min(count, self.waiting))

    async def _add(self, pcm: Pcm) -> None:
        while self.waiting + pcm.size > self._most and self.early() and not self._ended:
            self._room.clear()
            await self._room.wait()
        self._parts.append((pcm.copy(), self._clock()))
        self.waiting += pcm.size
        self._since += pcm.size
        while self.waiting > self._most:
            oldest, _ = self._parts.popleft()
            self.waiting -= oldest.size
            self.left_out += oldest.size
        if self.waiting >= self._wanted:
            self.hungry.clear()
        self._changed.set()

    def early(self) -> bool:
        """Whether who sends is ahead of time, as with a recording: then they may wait."""
        return self._since / self._rate - (self._clock() - self._even) > EARLY_SECONDS

    def _taken(self, count: int) -> Pcm:
        found = []
        missing = count
        while missing:
            part, self.arrived = self._parts.popleft()
            if part.size > missing:
                self._parts.appendleft((part[missing:], self.arrived))
                part = part[:missing]
            found.append(part)
            missing -= part.size
        self.waiting -= count
        self._room.set()
        return np.concatenate(found) if found else np.zeros(0, np.int16)
