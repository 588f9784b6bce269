"""The facts that a server told of itself, kept for the next start.

They are part of the keys of its recordings. With them at hand a recording is found before the
server was asked again, and also while it is away.
"""

from __future__ import annotations

import logging
from pathlib import Path

from realtime.files import write_whole

logger = logging.getLogger(__name__)

FOLDER = ".remote"  # in the folder of the recordings
MOST_BYTES = 500


class ToldFacts:
    """The facts of one server, in a file of their own."""

    def __init__(self, cache_folder: Path, label: str) -> None:
        self._path = cache_folder / FOLDER / f"{label.replace(':', '-')}.txt"
        self._text: str | None = None

    @property
    def text(self) -> str:
        """Return the facts; "" where the server was never asked."""
        if self._text is None:
            self._text = self._read()
        return self._text

    def keep(self, text: str) -> None:
        if text == self.text:
            return
        self._text = text
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, text.encode())
        except OSError as error:
            logger.warning("%s cannot be written: %s", self._path, error)

    def _read(self) -> str:
        try:
            with self._path.open("rb") as file:
                text = file.read(MOST_BYTES).decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""
        return text if text.isprintable() else ""
