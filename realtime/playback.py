"""How far a listener is who plays what comes as soon as it comes; it knows no sound and no clock.

It tells when they run dry, so who must be served first, how far ahead of them one is, and when
the next piece of a text must be there.
"""

from __future__ import annotations

SPARE_SECONDS = 0.25
SLOWER = 1.5  # than the last piece the next one may be: it is longer, and others may come


class Playback:
    """What was given to one listener and when they will have heard it."""

    def __init__(self) -> None:
        self.begun = False
        self.seconds = 0.0  # everything that was given
        self._dry = 0.0

    def dry(self) -> float:
        """The moment when everything that was given has been heard."""
        return self._dry

    def ahead(self, now: float) -> float:
        """Seconds that are given and not heard yet."""
        return max(0.0, self._dry - now) if self.begun else 0.0

    def give(self, seconds: float, now: float) -> None:
        """More sound; who had run dry plays it from now on."""
        self._dry = max(self._dry, now) + seconds if self.begun else now + seconds
        self.seconds += seconds
        self.begun = True

    def wait(self, now: float) -> None:
        """Nothing could be given before now: nobody is late because of it."""
        if self.begun:
            self._dry = max(self._dry, now)


class Supply:
    """Pieces made for one listener: when the next one is wanted at the latest."""

    def __init__(self) -> None:
        self._playback = Playback()
        self._asked_at: float | None = None
        self._took = 0.0  # seconds from a piece to its first sound, the last time

    def ask(self, now: float) -> None:
        """A piece is given to be made."""
        self._asked_at = now

    def give(self, seconds: float, now: float) -> None:
        """Some of its sound is there."""
        if self._asked_at is not None:
            self._took, self._asked_at = now - self._asked_at, None
        self._playback.give(seconds, now)

    def wanted_at(self) -> float:
        """So long before the listener runs dry that it will be there although it takes longer."""
        return self._playback.dry() - SPARE_SECONDS - SLOWER * self._took
