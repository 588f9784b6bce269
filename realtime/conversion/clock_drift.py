"""Two clocks that do not agree: how much faster to give so that a player's store stays as it is.

It knows no sound. It learns how much lay in store in the first seconds, and then leans against
whatever moves it: at once a little, and lastingly by what turned out to be needed.
"""

from __future__ import annotations

from math import pi

LEARN_SECONDS = 5.0
SMOOTH_SECONDS = 5.0
FULL_SECONDS = 60.0  # how long a deviation may take to go: nobody hears so small a ratio
MOST = 0.005  # of the ratio, which is less than a tenth of a semitone
JUMP_SECONDS = 0.25  # no clock does that: the player left something out, or was empty


class ClockDrift:
    """What is given against what was played; both in seconds since the beginning."""

    def __init__(self) -> None:
        self._learnt = 0.0
        self._store = 0.0  # smoothed
        self._target = 0.0
        self._lasting = 0.0

    def ratio(self, given: float, played: float, seconds: float) -> float:
        """How fast to give from here on, `seconds` after the last time this was asked."""
        store = given - played
        if self._learnt < LEARN_SECONDS:
            self._learn(store, seconds)
            return 1.0 + self._lasting
        if abs(store - self._target) > JUMP_SECONDS:
            self._learnt = 0.0
            return 1.0 + self._lasting
        self._store += (store - self._store) * min(1.0, seconds / SMOOTH_SECONDS)
        error = self._store - self._target
        pull = 2 * pi / FULL_SECONDS
        self._lasting = _limited(self._lasting + error * (pull / 2) ** 2 * seconds)
        return 1.0 + _limited(self._lasting + error * pull)

    def _learn(self, store: float, seconds: float) -> None:
        known = self._learnt / (self._learnt + seconds)
        self._target = known * self._target + (1.0 - known) * store
        self._store = self._target
        self._learnt += seconds


def _limited(value: float) -> float:
    return min(max(value, -MOST), MOST)
