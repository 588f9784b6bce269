"""The last warnings and errors of the log, for the page that shows how the server is."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MOST = 50
MOST_LENGTH = 500


@dataclass(frozen=True)
class Trouble:
    time_ms: int
    level: str
    message: str


class Troubles(logging.Handler):
    """Remembers what was logged while it watches; never a trace."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._last: deque[Trouble] = deque(maxlen=MOST)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)  # its arguments do not fit, which is a fault as well
        told = message[:MOST_LENGTH]
        self._last.append(Trouble(round(1000 * record.created), record.levelname, told))

    def last(self) -> list[Trouble]:
        """The newest first."""
        return list(reversed(self._last.copy()))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While it is told what is logged."""
        root = logging.getLogger()
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)
