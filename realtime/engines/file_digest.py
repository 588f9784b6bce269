"""Digests of weight files: another file under the same name has another digest.

A file of weights is too large to be hashed before each answer. Archives as torch writes them hold
a checksum of each of their parts, and the digest is of those. Other files are hashed once, and the
digest is kept beside the file with the file's size and time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

from realtime.files import write_whole

logger = logging.getLogger(__name__)

DIGITS = 16
MOST_NOTE = 200  # bytes
SizeAndTime = tuple[int, int]  # bytes, and time of change in nanoseconds


class FileDigests:
    """Digests of a few files, each kept in memory while the file's size and time stay the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[SizeAndTime, str]] = {}

    def of(self, path: Path) -> str:
        """Return a file's digest; a file that is not there is an OSError."""
        with self._lock:
            now = _size_and_time(path)
            known = self._known.get(path)
            if known is None or known[0] != now:
                known = self._known[path] = (now, file_digest(path, now))
            return known[1]

    def version(self, revision: str, paths: Sequence[Path]) -> str:
        """Return an engine's revision with the digests of a model's files, as far as there are."""
        digests = [self.of(path) for path in paths if path.is_file()]
        return " ".join([revision, *digests])


def file_digest(path: Path, size_and_time: SizeAndTime | None = None) -> str:
    """Return the first digits of a file's digest, from an archive's checksums where it has them."""
    size_and_time = size_and_time or _size_and_time(path)
    return (_archive_digest(path) or _kept_digest(path, size_and_time))[:DIGITS]


def note_path(path: Path) -> Path:
    """Return where the digest of a file without checksums is kept."""
    return path.with_name(f".{path.name}.sha256")


def _archive_digest(path: Path) -> str | None:
    """Hash an archive's directory; None for other files, and where a part has no checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [(each.filename, each.file_size, each.CRC) for each in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    # torch can write archives without checksums: they are 0 then.
    if not parts or any(size and not checksum for _, size, checksum in parts):
        return None
    return hashlib.sha256(repr(sorted(parts)).encode()).hexdigest()


def _kept_digest(path: Path, size_and_time: SizeAndTime) -> str:
    """Return the digest in the note beside a file, or hash the file and write the note."""
    note = note_path(path)
    try:
        size, changed, digest = json.loads(note.read_bytes()[:MOST_NOTE])
        if (size, changed) == size_and_time and len(digest) == hashlib.sha256().digest_size * 2:
            return str(digest)
    except (OSError, ValueError, TypeError):
        pass  # there is no note, or it is damaged
    logger.info("%s is read once to know it again", path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        write_whole(note, json.dumps([*size_and_time, digest]).encode())
    except OSError as error:
        logger.warning("%s cannot be remembered: %s", path.name, error.strerror or error)
    return digest


def _size_and_time(path: Path) -> SizeAndTime:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
