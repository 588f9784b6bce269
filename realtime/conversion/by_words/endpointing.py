"""Where sentences begin and end, by how probable speech is in each frame; it knows no sound.

A pause is told when it begins, long before it is sure that it ends the sentence, so that somebody
may already listen to what was said.
"""

from __future__ import annotations

from enum import Enum, auto

BEGINS = 0.5  # the probability at which somebody speaks
ENDS = 0.35  # below this nobody does
LEAST_FRAMES = 3  # of speech: a click is no sentence
SOON_FRAMES = 3  # of silence, after which it may be the end


class Mark(Enum):
    """What a frame has changed."""

    BEGAN = auto()
    PAUSED = auto()
    WENT_ON = auto()
    ENDED = auto()


class Endpoints:
    """One stream's sentences."""

    def __init__(self, pause_frames: int) -> None:
        self.speaking = False
        self.quiet = 0  # frames since somebody spoke
        self._loud = 0
        self._soon = min(SOON_FRAMES, pause_frames - 1)
        self._pause = pause_frames

    def feed(self, probability: float) -> Mark | None:
        if not self.speaking:
            self._loud = self._loud + 1 if probability >= BEGINS else 0
            if self._loud < LEAST_FRAMES:
                return None
            self.speaking, self.quiet = True, 0
            return Mark.BEGAN
        if probability >= (BEGINS if self.quiet else ENDS):
            paused, self.quiet = self.quiet >= self._soon, 0
            return Mark.WENT_ON if paused else None
        self.quiet += 1
        if self.quiet == self._pause:
            self.reset()
            return Mark.ENDED
        return Mark.PAUSED if self.quiet == self._soon else None

    def reset(self) -> None:
        """Nobody speaks, whatever was before."""
        self.speaking, self._loud = False, 0
