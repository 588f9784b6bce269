"""How many messages a second one client may send; it knows no message and reads no clock."""

from __future__ import annotations

MOST_A_SECOND = 1_000
PATIENCE_SECONDS = 3


class MessageRate:
    """Counts messages in seconds; too many in a few seconds on end are a flood."""

    def __init__(self, most: int = MOST_A_SECOND, patience: int = PATIENCE_SECONDS) -> None:
        self._most = most
        self._patience = patience
        self._begun = 0.0
        self._came = 0
        self._overfull = 0  # seconds on end with too many

    @property
    def too_much(self) -> bool:
        return self._overfull >= self._patience

    def comes(self, now: float) -> float:
        """One more message; how long to wait before the next is read."""
        if now - self._begun >= 1.0:
            # A second in which there was room, or a silent one, ends the count.
            if self._came <= self._most or now - self._begun >= 2.0:
                self._overfull = 0
            self._begun, self._came = now, 0
        self._came += 1
        if self._came <= self._most:
            return 0.0
        if self._came == self._most + 1:
            self._overfull += 1
        return self._begun + 1.0 - now
