"""Detection of one stream's sentences: a level, a voice activity detector, and endpointing.

Sound below the level is not given to the detector, so that silence costs nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from realtime.conversion.by_words.endpointing import LEAST_FRAMES, Endpointer, SpeechEvent
from realtime.conversion.by_words.sentence import GrowingSentence, Sentence
from realtime.engines.contract import Samples
from realtime.engines.frame_engines import Detector
from realtime.models.model import Lease

DETECTOR = "silero"  # the engine
LEVEL = -60.0  # dBFS: what is quieter is no speech
AWAKE_SECONDS = 1.0  # how long the detector goes on when it has become quiet


@dataclass(frozen=True)
class DetectedSpeech:
    """An event; at PAUSED with the sentence so far, at ENDED with the whole one."""

    event: SpeechEvent
    sentence: Sentence | None = None


class SentenceDetector:
    """The detector of one stream, at the engine's rate.

    Silence of `pause` seconds ends a sentence.
    """

    def __init__(self, lease: Lease[Detector], pause: float, level: float = LEVEL) -> None:
        self._lease = lease
        self._frame_size = lease.engine.frame
        self.rate = lease.engine.sample_rate
        self._least_power: float = 10.0 ** (level / 10)
        awake_seconds = max(AWAKE_SECONDS, 2 * pause)
        self._awake_frames: int = round(awake_seconds * self.rate / self._frame_size)
        self._quiet_frames: int = self._awake_frames  # since a loud one
        self._state: Any = None  # of the engine
        self._rest = np.zeros(0, np.float32)  # less than a frame
        self._endpointer = Endpointer(max(2, round(pause * self.rate / self._frame_size)))
        self._growing = GrowingSentence(self.rate, self._frame_size)

    @property
    def speaking(self) -> bool:
        """Check whether the stream is in a sentence, or in the pause behind it."""
        return self._endpointer.speaking

    async def feed(self, samples: Samples) -> AsyncGenerator[DetectedSpeech, None]:
        """Yield what the samples change."""
        for awake, frames in self._runs(samples):
            if not awake:
                self._state = None
                for frame in frames:
                    self._growing.add(frame)
                continue
            probabilities = await self._detect(frames)
            for frame, probability in zip(frames, probabilities, strict=True):
                self._growing.add(frame)
                for detected in self._detected(self._endpointer.feed(float(probability))):
                    yield detected

    def finish(self) -> Sentence | None:
        """End and return the sentence that is being said, if any."""
        if not self._endpointer.speaking:
            return None
        quiet_frames = self._endpointer.quiet_frames
        self._endpointer.reset()
        return self._growing.end(quiet_frames)

    def _runs(self, samples: Samples) -> Iterator[tuple[bool, list[Samples]]]:
        """Yield runs of whole frames, those for the detector apart from those of silence."""
        held = np.concatenate([self._rest, samples])
        whole = held.size - held.size % self._frame_size
        self._rest = held[whole:].copy()
        frames = list(held[:whole].reshape(-1, self._frame_size).copy())
        for awake, run in groupby(frames, self._is_awake):
            yield awake, list(run)

    def _is_awake(self, frame: Samples) -> bool:
        power = float(np.mean(np.square(frame, dtype=np.float64)))
        loud = power >= self._least_power
        self._quiet_frames = 0 if loud else self._quiet_frames + 1
        return self._quiet_frames < self._awake_frames

    async def _detect(self, frames: list[Samples]) -> Samples:
        """Return the probability of speech in each frame."""
        found, self._state = await self._lease.lane.call(
            self._lease.engine.detect, np.concatenate(frames), self._state
        )
        return found

    def _detected(self, event: SpeechEvent | None) -> Iterator[DetectedSpeech]:
        quiet_frames = self._endpointer.quiet_frames
        if event is SpeechEvent.BEGAN:
            self._growing.begin(LEAST_FRAMES)
        if event is SpeechEvent.ENDED:
            yield DetectedSpeech(event, self._growing.end(quiet_frames))
        elif event is SpeechEvent.PAUSED:
            yield DetectedSpeech(event, self._growing.so_far(quiet_frames))
        elif event is not None:
            yield DetectedSpeech(event)
        if self._endpointer.speaking and self._growing.full:
            # Speech without a pause is cut: the first part ends, and the rest begins, here.
            yield DetectedSpeech(SpeechEvent.WENT_ON)
            yield DetectedSpeech(SpeechEvent.ENDED, self._growing.cut())
            yield DetectedSpeech(SpeechEvent.BEGAN)
