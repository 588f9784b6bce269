"""The listeners of the cache: how many there are at once, up to a bound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from realtime.errors import Busy


class Listeners:
    """A count of those who are being served a recording."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0

    def check_room(self) -> None:
        """Refuse one more where the bound is reached."""
        if self._count >= self._most:
            raise Busy(
                f"{self._count} listeners are being served, which is the limit.",
                code="too_many_listeners",
                hint="Ask again in a moment.",
                retry_after=1,
            )

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count one more while the context lasts."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
