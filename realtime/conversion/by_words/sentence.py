"""A sentence as it is being said: its samples, bounded; it knows no engine and no probability."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from realtime.engines.contract import Samples

BEFORE_SECONDS = 0.25  # of sound before the first frame that surely is speech
AFTER_SECONDS = 0.15  # of the silence behind the last one
MOST_SECONDS = 25.0
LEAST_SECONDS = 10.0  # that a part of a cut sentence lasts
QUIET_SECONDS = 0.2  # how long the quietest place is looked for to be


@dataclass(frozen=True)
class Sentence:
    """What was said, and when it began: in samples from the start of the stream."""

    samples: Samples
    start: int


class GrowingSentence:
    """The sound of one stream that may belong to a sentence."""

    def __init__(self, rate: int, frame: int) -> None:
        self._rate, self._frame = rate, frame
        self._kept = round(BEFORE_SECONDS * rate / frame)
        self._after = round(AFTER_SECONDS * rate / frame)
        self._most = round(MOST_SECONDS * rate / frame)
        self._frames: deque[Samples] = deque()
        self._heard = 0  # frames of the stream
        self._begun = False
        self._onset = 0

    @property
    def full(self) -> bool:
        return len(self._frames) >= self._most

    def add(self, frame: Samples) -> None:
        self._frames.append(frame)
        self._heard += 1
        if not self._begun and len(self._frames) > self._kept:
            self._frames.popleft()

    def begin(self, frames: int) -> None:
        """What was kept is the beginning of a sentence; so many frames of it surely are speech."""
        self._begun = True
        self._onset = self._heard - frames

    def so_far(self, quiet: int) -> Sentence:
        """The sentence up to a silence of so many frames, which is still going on."""
        held = len(self._frames)
        frames = list(self._frames)[: held - max(0, quiet - self._after)]
        return Sentence(np.concatenate(frames), self._onset * self._frame)

    def end(self, quiet: int) -> Sentence:
        """The sentence; what is behind it may come before the next one."""
        sentence = self.so_far(quiet)
        self._begun = False
        while len(self._frames) > min(self._kept, quiet):
            self._frames.popleft()
        return sentence

    def cut(self) -> Sentence:
        """The part before the quietest place; what is behind it goes on as a sentence."""
        frames = [self._frames.popleft() for _ in range(self._quietest())]
        sentence = Sentence(np.concatenate(frames), self._onset * self._frame)
        self._onset = self._heard - len(self._frames)
        return sentence

    def _quietest(self) -> int:
        """How many frames are before the middle of the quietest place."""
        powers = [float(np.mean(np.square(frame, dtype=np.float64))) for frame in self._frames]
        wide = max(1, round(QUIET_SECONDS * self._rate / self._frame))
        least = round(LEAST_SECONDS * self._rate / self._frame)
        around = np.convolve(powers, np.ones(wide), "valid")[least:]
        return least + int(around.argmin()) + wide // 2
