"""A sentence's sound while it is being said, bounded in length."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from realtime.engines.contract import Samples

BEFORE_SECONDS = 0.25  # of sound before the first frame that surely is speech: soft first sounds
AFTER_SECONDS = 0.15  # of the silence behind the last one
MOST_SECONDS = 25.0  # under the 30 s that Whisper takes at once
LEAST_SECONDS = 10.0  # that a part of a cut sentence lasts
QUIET_SECONDS = 0.2  # length of the quietest place, at which a sentence is cut


@dataclass(frozen=True)
class Sentence:
    """The samples of a sentence, and the sample of the stream with which its speech began."""

    samples: Samples
    start: int


class GrowingSentence:
    """The latest frames of one stream: those of a sentence, or a little before the next one."""

    def __init__(self, rate: int, frame: int) -> None:
        self._rate, self._frame = rate, frame
        self._kept = round(BEFORE_SECONDS * rate / frame)
        self._after = round(AFTER_SECONDS * rate / frame)
        self._most = round(MOST_SECONDS * rate / frame)
        self._frames: deque[Samples] = deque()
        self._total = 0  # frames of the stream
        self._begun = False
        self._onset = 0  # frame of the stream

    @property
    def full(self) -> bool:
        return len(self._frames) >= self._most

    def add(self, frame: Samples) -> None:
        self._frames.append(frame)
        self._total += 1
        if not self._begun and len(self._frames) > self._kept:
            self._frames.popleft()

    def begin(self, speech_frames: int) -> None:
        """Begin a sentence with the kept frames, of which the last so many surely are speech."""
        self._begun = True
        self._onset = self._total - speech_frames

    def so_far(self, quiet_frames: int) -> Sentence:
        """Return the sentence up to a silence of so many frames, which is still going on."""
        count = len(self._frames) - max(0, quiet_frames - self._after)
        frames = list(self._frames)[:count]
        return Sentence(np.concatenate(frames), self._onset * self._frame)

    def end(self, quiet_frames: int) -> Sentence:
        """End and return the sentence; the frames behind it may begin the next one."""
        sentence = self.so_far(quiet_frames)
        self._begun = False
        while len(self._frames) > min(self._kept, quiet_frames):
            self._frames.popleft()
        return sentence

    def cut(self) -> Sentence:
        """Return the part before the quietest place; what is behind it goes on as a sentence."""
        frames = [self._frames.popleft() for _ in range(self._quietest())]
        sentence = Sentence(np.concatenate(frames), self._onset * self._frame)
        self._onset = self._total - len(self._frames)
        return sentence

    def _quietest(self) -> int:
        """Count the frames before the middle of the quietest place."""
        powers = [float(np.mean(np.square(frame, dtype=np.float64))) for frame in self._frames]
        wide = max(1, round(QUIET_SECONDS * self._rate / self._frame))
        least = round(LEAST_SECONDS * self._rate / self._frame)
        sums = np.convolve(powers, np.ones(wide), "valid")[least:]
        return least + int(sums.argmin()) + wide // 2
