"""How far a listener is who plays what comes as soon as it comes; it knows no sound and no clock.

It tells when they run dry, so who must be served first, and how far ahead of them one is.
"""

from __future__ import annotations


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
