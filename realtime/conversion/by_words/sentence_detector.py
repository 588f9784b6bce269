"""One stream's sentences as they are said: a level, a detector, and what they find; no words.

Where the level says that nobody can be heard the detector is not asked: silence costs nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from realtime.conversion.by_words.endpointing import LEAST_FRAMES, Endpoints, Mark
from realtime.conversion.by_words.sentence import GrowingSentence, Sentence
from realtime.engines.contract import Detector, Samples
from realtime.models.model import Lease

LEVEL = -60.0  # dBFS: what is quieter is not listened to
AWAKE_SECONDS = 1.0  # how long the detector goes on when it has become quiet


@dataclass(frozen=True)
class Detected:
    """What became known: at PAUSED what was said so far, at ENDED the whole sentence."""

    mark: Mark
    sentence: Sentence | None = None


class SentenceDetector:
    """One stream, at the detector's rate."""

    def __init__(self, lease: Lease[Detector], pause: float, level: float = LEVEL) -> None:
        self._lease = lease
        self._size = lease.engine.frame
        self.rate = lease.engine.sample_rate
        self._least_power: float = 10.0 ** (level / 10)
        self._awake: int = round(max(AWAKE_SECONDS, 2 * pause) * self.rate / self._size)
        self._still: int = self._awake  # frames since it was loud
        self._state: Any = None
        self._rest = np.zeros(0, np.float32)
        self._endpoints = Endpoints(max(2, round(pause * self.rate / self._size)))
        self._growing = GrowingSentence(self.rate, self._size)

    @property
    def speaking(self) -> bool:
        """Whether somebody is in the middle of a sentence, or of the pause behind it."""
        return self._endpoints.speaking

    async def hear(self, samples: Samples) -> AsyncGenerator[Detected, None]:
        for listening, frames in self._runs(samples):
            if not listening:
                self._state = None
                for frame in frames:
                    self._growing.add(frame)
                continue
            probabilities = await self._probable(frames)
            for frame, probability in zip(frames, probabilities, strict=True):
                self._growing.add(frame)
                for told in self._told(self._endpoints.feed(float(probability))):
                    yield told

    def finish(self) -> Sentence | None:
        """What was being said when the stream ended, or stood still."""
        if not self._endpoints.speaking:
            return None
        quiet = self._endpoints.quiet
        self._endpoints.reset()
        return self._growing.end(quiet)

    def _runs(self, samples: Samples) -> Iterator[tuple[bool, list[Samples]]]:
        """Whole frames, those that are listened to apart from those that are not."""
        held = np.concatenate([self._rest, samples])
        whole = held.size - held.size % self._size
        self._rest = held[whole:].copy()
        frames = list(held[:whole].reshape(-1, self._size).copy())
        for listening, run in groupby(frames, self._listens):
            yield listening, list(run)

    def _listens(self, frame: Samples) -> bool:
        power = float(np.mean(np.square(frame, dtype=np.float64)))
        loud = power >= self._least_power
        self._still = 0 if loud else self._still + 1
        return self._still < self._awake

    async def _probable(self, frames: list[Samples]) -> Samples:
        found, self._state = await self._lease.lane.call(
            self._lease.engine.detect, np.concatenate(frames), self._state
        )
        return found

    def _told(self, mark: Mark | None) -> Iterator[Detected]:
        quiet = self._endpoints.quiet
        if mark is Mark.BEGAN:
            self._growing.begin(LEAST_FRAMES)
        if mark is Mark.ENDED:
            yield Detected(mark, self._growing.end(quiet))
        elif mark is Mark.PAUSED:
            yield Detected(mark, self._growing.so_far(quiet))
        elif mark is not None:
            yield Detected(mark)
        if self._endpoints.speaking and self._growing.full:
            yield Detected(Mark.WENT_ON)
            yield Detected(Mark.ENDED, self._growing.cut())
            yield Detected(Mark.BEGAN)
