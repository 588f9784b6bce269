"""Which file a file is: a digest that another file under the same name does not have.

A file of weights is too large to be read before each answer. Archives as torch writes them hold a
checksum of each of their parts: those stand for all of it. Of other files every byte is read once,
and what was found is remembered beside the file with its size and its time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import zipfile
from pathlib import Path

from realtime.files import write_whole

logger = logging.getLogger(__name__)

DIGITS = 16
MOST_NOTE = 200  # bytes
Facts = tuple[int, int]  # size, and time of change in nanoseconds


class Fingerprints:
    """Those of a few files, each found once for as long as the file stays as it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[Path, tuple[Facts, str]] = {}

    def of(self, path: Path) -> str:
        """Its first digits; a file that is not there raises what the system says."""
        with self._lock:
            facts = _facts(path)
            known = self._found.get(path)
            if known is None or known[0] != facts:
                known = self._found[path] = (facts, fingerprint(path, facts))
            return known[1]


def fingerprint(path: Path, facts: Facts | None = None) -> str:
    facts = facts or _facts(path)
    return (_of_archive(path) or _remembered(path, facts))[:DIGITS]


def note_of(path: Path) -> Path:
    """Where the digest of a file without checksums is remembered."""
    return path.with_name(f".{path.name}.sha256")


def _of_archive(path: Path) -> str | None:
    """From an archive's directory; None where it has none, or lacks the checksum of a part."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [(each.filename, each.file_size, each.CRC) for each in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    if not parts or any(size and not checksum for _, size, checksum in parts):
        return None
    return hashlib.sha256(repr(sorted(parts)).encode()).hexdigest()


def _remembered(path: Path, facts: Facts) -> str:
    note = note_of(path)
    try:
        size, changed, digest = json.loads(note.read_bytes()[:MOST_NOTE])
        if (size, changed) == facts and len(digest) == hashlib.sha256().digest_size * 2:
            return str(digest)
    except (OSError, ValueError, TypeError):
        pass  # nothing is remembered that could be believed
    logger.info("%s is read once to know it again", path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        write_whole(note, json.dumps([*facts, digest]).encode())
    except OSError as error:
        logger.warning("%s cannot be remembered: %s", path.name, error.strerror or error)
    return digest


def _facts(path: Path) -> Facts:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
