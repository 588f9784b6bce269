"""Endpointing: where sentences begin and end, by the probability of speech in each frame.

A pause is reported when it begins, long before it is sure that it ends the sentence, so that the
recogniser may already work on what was said.
"""

from __future__ import annotations

from enum import Enum, auto

BEGINS = 0.5  # the probability of speech at which a sentence begins or goes on
ENDS = 0.35  # below this there is silence: lower, so that soft ends of words are no pause
LEAST_FRAMES = 3  # of speech: a click is no sentence
SOON_FRAMES = 3  # of silence, after which it may be the end


class SpeechEvent(Enum):
    """A change in a stream's speech."""

    BEGAN = auto()
    PAUSED = auto()  # perhaps the end of a sentence
    WENT_ON = auto()  # after a pause that was not the end
    ENDED = auto()


class Endpointer:
    """The state of one stream; silence of `pause_frames` ends a sentence."""

    def __init__(self, pause_frames: int) -> None:
        self.speaking = False
        self.quiet_frames = 0  # since the last speech, within a sentence
        self._loud_frames = 0
        self._soon = min(SOON_FRAMES, pause_frames - 1)
        self._pause = pause_frames

    def feed(self, probability: float) -> SpeechEvent | None:
        """Take a frame's probability of speech; return what it changes."""
        if not self.speaking:
            self._loud_frames = self._loud_frames + 1 if probability >= BEGINS else 0
            if self._loud_frames < LEAST_FRAMES:
                return None
            self.speaking, self.quiet_frames = True, 0
            return SpeechEvent.BEGAN
        if probability >= (BEGINS if self.quiet_frames else ENDS):
            paused, self.quiet_frames = self.quiet_frames >= self._soon, 0
            return SpeechEvent.WENT_ON if paused else None
        self.quiet_frames += 1
        if self.quiet_frames == self._pause:
            self.reset()
            return SpeechEvent.ENDED
        return SpeechEvent.PAUSED if self.quiet_frames == self._soon else None

    def reset(self) -> None:
        """Leave the sentence, if there is one, without an event."""
        self.speaking, self._loud_frames = False, 0
