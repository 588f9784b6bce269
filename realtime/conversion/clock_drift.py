"""Clock drift between a microphone and a player, taken up by giving sound faster or slower.

What a player was given and has not played is its store. The store's size is learnt in the first
seconds and then held, so that the player neither runs empty nor falls ever further behind.
"""

from __future__ import annotations

from math import pi

LEARN_SECONDS = 5.0
SMOOTH_SECONDS = 5.0
FULL_SECONDS = 60.0  # how long a deviation may take to go: nobody hears so small a ratio
MOST = 0.005  # of the ratio, which is less than a tenth of a semitone
JUMP_SECONDS = 0.25  # no clock does that: the player left something out, or was empty


class ClockDrift:
    """A controller of the ratio at which one stream's sound is given to its player."""

    def __init__(self) -> None:
        self._learnt_seconds = 0.0
        self._store = 0.0  # seconds, smoothed
        self._target = 0.0  # seconds
        self._lasting = 0.0  # the part of the ratio that turned out to be needed all the time

    def update(self, given: float, played: float, seconds: float) -> float:
        """Return how fast to give from here on: 1.002 is 0.2 % faster.

        `given` and `played` are seconds since the beginning, `seconds` is since the last call.
        """
        store = given - played
        if self._learnt_seconds < LEARN_SECONDS:
            self._learn(store, seconds)
            return 1.0 + self._lasting
        if abs(store - self._target) > JUMP_SECONDS:
            self._learnt_seconds = 0.0
            return 1.0 + self._lasting
        self._store += (store - self._store) * min(1.0, seconds / SMOOTH_SECONDS)
        error = self._store - self._target
        gain = 2 * pi / FULL_SECONDS
        # (gain / 2) ** 2 damps critically: the store comes back without swinging past its target.
        self._lasting = _limited(self._lasting + error * (gain / 2) ** 2 * seconds)
        return 1.0 + _limited(self._lasting + error * gain)

    def _learn(self, store: float, seconds: float) -> None:
        known = self._learnt_seconds / (self._learnt_seconds + seconds)
        self._target = known * self._target + (1.0 - known) * store
        self._store = self._target
        self._learnt_seconds += seconds


def _limited(value: float) -> float:
    return min(max(value, -MOST), MOST)
