"""How big the blocks of a live conversion are, and when it is left out; it knows no sound.

Larger blocks cost less for a second of sound, and delay it more. When even the largest take too
long, the voice passes unconverted, and trials tell when converting is possible again. Getting
better takes longer than getting worse, and longer each time that it did not last.
"""

from __future__ import annotations

from typing import Literal

State = Literal["larger_blocks", "bypass", "recovered"]

SIZES = (1, 2, 4)  # times the usual block
WEIGHT = 0.2  # of the newest block in the smoothed load
MOST_COUNTED = 2.0  # one pause of the machine is no load
TOO_MUCH = 0.9
LITTLE = 0.45
CALM_SECONDS = 5.0  # of little load before smaller blocks are tried
REST_SECONDS = 1.0  # from one trial to the next
TRIALS = 2  # in a row that must go well
LONGEST_SECONDS = 60.0


class OverloadGuard:
    """One stream's share of time spent on computing, and what follows from it."""

    def __init__(self) -> None:
        self.bypassed = False
        self._place = 0
        self._load = 0.0
        self._calm = 0.0  # seconds of sound that were easy
        self._calm_needed = CALM_SECONDS
        self._since_smaller = LONGEST_SECONDS
        self._rest = REST_SECONDS
        self._next_trial = 0.0
        self._trials = 0

    @property
    def size(self) -> int:
        """How many usual blocks go at once; what passes as it is needs no large ones."""
        return 1 if self.bypassed else SIZES[self._place]

    @property
    def trial_size(self) -> int:
        return SIZES[self._place]

    @property
    def state(self) -> State:
        """As a notice calls it."""
        if self.bypassed:
            return "bypass"
        return "larger_blocks" if self._place else "recovered"

    def worked(self, seconds: float, sound: float, now: float) -> bool:
        """A block took so long for so much sound; whether anything changes by that."""
        ratio = min(seconds / sound, MOST_COUNTED)
        self._load += WEIGHT * (ratio - self._load)
        self._since_smaller += sound
        self._calm = self._calm + sound if self._load < LITTLE else 0.0
        if self._load > TOO_MUCH:
            return self._worse(now)
        if self._place and self._calm >= self._calm_needed:
            self._place -= 1
            self._calm, self._since_smaller = 0.0, 0.0
            return True
        if not self._place and self._since_smaller > LONGEST_SECONDS:
            self._calm_needed, self._rest = CALM_SECONDS, REST_SECONDS
        return False

    def lost(self, now: float) -> bool:
        """A block was not there when its patience ended."""
        was, self.bypassed = self.bypassed, True
        self._trials, self._load = 0, 0.0
        self._place = len(SIZES) - 1
        self._next_trial = now + self._rest
        self._rest = min(2 * self._rest, LONGEST_SECONDS)
        return not was

    def trial_due(self, now: float) -> bool:
        return self.bypassed and now >= self._next_trial

    def tried(self, seconds: float, sound: float, now: float) -> bool:
        """A trial took so long; whether the voice is converted again."""
        if seconds > LITTLE * sound:
            self.lost(now)
            return False
        self._trials += 1
        self._next_trial = now + REST_SECONDS
        self.bypassed = self._trials < TRIALS
        return not self.bypassed

    def _worse(self, now: float) -> bool:
        if self._since_smaller < 2 * self._calm_needed:
            self._calm_needed = min(2 * self._calm_needed, LONGEST_SECONDS)
        self._calm = 0.0
        if self._place == len(SIZES) - 1:
            return self.lost(now)
        self._place += 1
        self._load = 0.0
        return True
