"""The limit on how many messages a second one client may send."""

from __future__ import annotations

MOST_A_SECOND = 1_000
PATIENCE_SECONDS = 3


class MessageRate:
    """A counter of messages by seconds.

    A client over the limit is read more slowly; over it for some seconds on end, it has exceeded
    the patience too and is closed.
    """

    def __init__(self, most: int = MOST_A_SECOND, patience: int = PATIENCE_SECONDS) -> None:
        self._most = most
        self._patience = patience
        self._second_began = 0.0
        self._in_this_second = 0
        self._full_seconds = 0  # on end, each with too many messages

    @property
    def exceeded(self) -> bool:
        return self._full_seconds >= self._patience

    def count(self, now: float) -> float:
        """Count one message; return the seconds to wait before the next is read."""
        if now - self._second_began >= 1.0:
            # A second that was not full, or one without any message, ends the run of full seconds.
            if self._in_this_second <= self._most or now - self._second_began >= 2.0:
                self._full_seconds = 0
            self._second_began, self._in_this_second = now, 0
        self._in_this_second += 1
        if self._in_this_second <= self._most:
            return 0.0
        if self._in_this_second == self._most + 1:
            self._full_seconds += 1
        return self._second_began + 1.0 - now
