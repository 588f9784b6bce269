"""A listener's position: sound that is given is played as soon as it comes.

It tells when the listener runs dry, so who must be served first, and how far ahead one is.
"""

from __future__ import annotations


class Playback:
    """The sound that one listener was given, and the moment when all of it has been heard."""

    def __init__(self) -> None:
        self.started = False
        self._dry = 0.0

    def runs_dry_at(self) -> float:
        """Return the moment when everything that was given has been heard."""
        return self._dry

    def seconds_ahead(self, now: float) -> float:
        """Return the seconds of sound that are given and not heard yet."""
        return max(0.0, self._dry - now) if self.started else 0.0

    def add(self, seconds: float, now: float) -> None:
        """Give more sound; a listener who had run dry plays it from now on."""
        self._dry = max(self._dry, now) + seconds if self.started else now + seconds
        self.started = True

    def ignore_gap(self, now: float) -> None:
        """Count no delay before now: there was nothing that could have been given."""
        if self.started:
            self._dry = max(self._dry, now)
