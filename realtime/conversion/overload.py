"""Overload of a live conversion: larger blocks, then a bypass, then trials of the converter.

Larger blocks cost less computing for a second of sound, and delay it more. When even the largest
take too long, the voice passes unconverted, and trials show when converting is possible again.
Recovery takes longer each time that the last one did not hold, so that nothing goes back and forth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

OverloadState = Literal["larger_blocks", "bypass", "recovered"]  # as notices call them

BLOCK_COUNTS = (1, 2, 4)  # blocks of the usual size that are converted in one
NEWEST_WEIGHT = 0.2  # of the newest block in the smoothed load: about the last five count
MOST_COUNTED = 2.0  # one pause of the machine is no load
TOO_MUCH = 0.9  # computing time by sounding time
LITTLE = 0.45  # half of that, since a smaller block may take twice as long for a second of sound
CALM_SECONDS = 5.0  # of little load before smaller blocks are tried
REST_SECONDS = 1.0  # from one trial to the next
TRIALS = 2  # in a row that must go well
LONGEST_SECONDS = 60.0  # that calm and rest grow to


class OverloadGuard:
    """The load of one stream, and whether it is bypassed or converted in larger blocks.

    A method that takes a measurement returns whether `state` or the block size changed by it.
    Its `seconds` are computing time, `sound` is how long the block sounds, `now` the clock.
    """

    def __init__(self) -> None:
        self.bypassed = False
        self._level = 0  # index of BLOCK_COUNTS
        self._load = 0.0
        self._calm_seconds = 0.0  # of sound since the load was last more than little
        self._calm_needed = CALM_SECONDS
        self._since_smaller = LONGEST_SECONDS  # seconds of sound since blocks last became smaller
        self._rest = REST_SECONDS
        self._next_trial = 0.0
        self._good_trials = 0

    def begin(self, load_of: Callable[[int], float], now: float) -> bool:
        """Begin with the smallest blocks that are quick enough by the loads that were measured.

        Where even the largest are too slow, the voice passes from the beginning.
        """
        for level, count in enumerate(BLOCK_COUNTS):
            if load_of(count) <= TOO_MUCH:
                self._level = level
                return level > 0
        return self.block_timed_out(now)

    @property
    def blocks_at_once(self) -> int:
        """Return how many usual blocks to take at once; a bypass needs no large ones."""
        return 1 if self.bypassed else BLOCK_COUNTS[self._level]

    @property
    def trial_blocks(self) -> int:
        """Return how many usual blocks a trial converts at once."""
        return BLOCK_COUNTS[self._level]

    @property
    def state(self) -> OverloadState:
        if self.bypassed:
            return "bypass"
        return "larger_blocks" if self._level else "recovered"

    def block_converted(self, seconds: float, sound: float, now: float) -> bool:
        ratio = min(seconds / sound, MOST_COUNTED)
        self._load += NEWEST_WEIGHT * (ratio - self._load)
        self._since_smaller += sound
        self._calm_seconds = self._calm_seconds + sound if self._load < LITTLE else 0.0
        if self._load > TOO_MUCH:
            return self._worsen(now)
        if self._level and self._calm_seconds >= self._calm_needed:
            self._level -= 1
            self._calm_seconds, self._since_smaller = 0.0, 0.0
            return True
        if not self._level and self._since_smaller > LONGEST_SECONDS:
            self._calm_needed, self._rest = CALM_SECONDS, REST_SECONDS
        return False

    def block_timed_out(self, now: float) -> bool:
        """Bypass the converter: a block was not there when the patience with it ended."""
        was_bypassed, self.bypassed = self.bypassed, True
        self._good_trials, self._load = 0, 0.0
        self._level = len(BLOCK_COUNTS) - 1
        self._next_trial = now + self._rest
        self._rest = min(2 * self._rest, LONGEST_SECONDS)
        return not was_bypassed

    def trial_due(self, now: float) -> bool:
        return self.bypassed and now >= self._next_trial

    def trial_converted(self, seconds: float, sound: float, now: float) -> bool:
        """Count a trial, and end the bypass after enough good ones."""
        if seconds > LITTLE * sound:
            self.block_timed_out(now)
            return False
        self._good_trials += 1
        self._next_trial = now + REST_SECONDS
        self.bypassed = self._good_trials < TRIALS
        return not self.bypassed

    def _worsen(self, now: float) -> bool:
        if self._since_smaller < 2 * self._calm_needed:
            self._calm_needed = min(2 * self._calm_needed, LONGEST_SECONDS)
        self._calm_seconds = 0.0
        if self._level == len(BLOCK_COUNTS) - 1:
            return self.block_timed_out(now)
        self._level += 1
        self._load = 0.0
        return True
