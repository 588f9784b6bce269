"""Files of characters, read up to a bound."""

from __future__ import annotations

import stat
from pathlib import Path


class BadVoice(ValueError):
    """An error of voice data; its message gives the reason, the caller adds the file."""


def read_at_most(path: Path, most: int) -> bytes:
    """Read a regular file; refuse one that is longer than `most` bytes."""
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
        raise BadVoice("it is not a plain file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise BadVoice(f"it is over the limit of {most} bytes")
    return data
