"""The recordings on the disk: parts that grow, whole files, sidecars.

A file appears under its name only when it is whole and on the disk. The sidecar is written first,
so that no file ever lacks one; a sidecar without its file is removed at the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from realtime.cache.address import FOLDERS, MODES, SIDECAR, WAV, Address, parse_name
from realtime.cache.sidecar import BadSidecar, FileFacts, Sidecar, read_sidecar
from realtime.characters import valid_name

logger = logging.getLogger(__name__)

GROWING = ".growing"
LOCK = ".lock"
MOST_SIDECAR_BYTES = 64 << 20  # read at most; far more than the words of the longest text need
_PART = re.compile(r".*\.\d+\.(?P<pid>\d+)\.part")


@dataclass(slots=True)
class StoredRecording:
    """A recording as a scan found it, or what a crash left of one."""

    address: Address
    files: tuple[tuple[str, int], ...]  # (suffix, bytes), without the sidecar
    heard_at: float  # Unix seconds

    @property
    def whole(self) -> bool:
        return any(suffix == WAV for suffix, _ in self.files)


class PartFile:
    """A file that grows; after the first error of the disk nothing more is written.

    All methods are called in threads; writes come one at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self.error: OSError | None = None
        self._file: FileIO | None = None
        self._lock = threading.Lock()  # a caller may leave while its write goes on in a thread
        self._discarded = False

    def write(self, data: bytes) -> None:
        with self._lock:
            if self.error or self._discarded:
                return
            try:
                file = self._opened()
                place = 0
                while place < len(data):
                    place += file.write(data[place:]) or 0
                self.written += len(data)
            except OSError as error:
                self.error = error

    def read(self, offset: int, size: int) -> bytes:
        if self._file is None:
            raise OSError("the part is closed")
        return os.pread(self._file.fileno(), size, offset)

    def seal(self, rest: bytes, head: bytes = b"") -> FileFacts:
        """Write the rest, put the true header over the first bytes, and sync all to the disk."""
        self.write(rest)
        if self.error is not None:
            raise self.error
        if self._file is None:
            raise OSError("the part is closed")
        os.pwrite(self._file.fileno(), head, 0)
        os.fsync(self._file.fileno())
        digest, offset = hashlib.sha256(), 0
        while block := self.read(offset, 1 << 20):
            digest.update(block)
            offset += len(block)
        return FileFacts(digest.hexdigest(), offset)

    def discard(self) -> None:
        """Remove the file, which will never be whole; an open reader may go on."""
        with self._lock, contextlib.suppress(OSError):
            self._discarded = True
            self.path.unlink()

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _opened(self) -> FileIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self.path, "w+b")
        return self._file


class DiskStore:
    """The files of one folder of recordings."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock_file: BinaryIO | None = None
        self._numbers = itertools.count(1)
        self._sidecars = threading.Lock()  # one change of a sidecar at a time

    @property
    def has_lock(self) -> bool:
        """Tell whether this process is the one that cleans and removes."""
        return self._lock_file is not None

    def take_lock(self) -> bool:
        """Try to become the one process that cleans and removes."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            file = (self.root / LOCK).open("ab")
        except OSError as error:
            logger.error("the cache %s cannot be used: %s", self.root, error.strerror)
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._lock_file = file
        return True

    def release_lock(self) -> None:
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def begin(self) -> list[StoredRecording]:
        """List the recordings, last heard first; the lock's holder removes what a crash left."""
        if self.take_lock():
            self.clean()
        found = list(self.scan())
        if self.has_lock:
            for stored in found:
                if not stored.whole:
                    self.remove(stored.address)
        return sorted((s for s in found if s.whole), key=lambda stored: -stored.heard_at)

    def clean(self) -> None:
        """Remove parts that no process writes any more."""
        with contextlib.suppress(FileNotFoundError):
            for path in (self.root / GROWING).iterdir():
                if not _written_by_another(path.name):
                    with contextlib.suppress(OSError):
                        path.unlink()

    def new_part(self, key: str, suffix: str = WAV) -> PartFile:
        """Make a part with a name of its own: an older one of the same key may still be read."""
        name = f"{key}{suffix}.{next(self._numbers)}"
        if not self.has_lock:
            name += f".{os.getpid()}"  # tells the lock's holder that the part is written to
        return PartFile(self.root / GROWING / f"{name}.part")

    def keep(self, part: PartFile, address: Address, suffix: str, sidecar: Sidecar) -> None:
        """Make a sealed part the file of its name: sidecar, rename, folder."""
        path = self.path(address, suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._sidecars:
            if suffix != WAV:
                sidecar = self._with_other_files(address, suffix, sidecar)
            self._write_sidecar(address, sidecar)
            os.replace(part.path, path)
            _sync_folder(path.parent)

    def sidecar(self, address: Address) -> Sidecar | None:
        """Read a sidecar; None when there is none, or none that can be believed."""
        path = self.path(address, SIDECAR)
        try:
            with path.open("rb") as file:
                found = read_sidecar(file.read(MOST_SIDECAR_BYTES))
        except OSError:
            return None
        except BadSidecar as error:
            logger.error("%s is damaged, its recording is forgotten: %s", path, error)
            return None
        return found if found.key == address.key else None

    def size(self, address: Address, suffix: str) -> int | None:
        try:
            return self.path(address, suffix).stat().st_size
        except OSError:
            return None

    def path(self, address: Address, suffix: str) -> Path:
        return self.root / address.path(suffix)

    def open(self, address: Address, suffix: str) -> BinaryIO:
        return self.path(address, suffix).open("rb")

    def touch(self, address: Address) -> None:
        """Note on the disk that it was heard now: the next start sorts by that."""
        with contextlib.suppress(OSError):
            os.utime(self.path(address, WAV))

    def remove(self, address: Address) -> None:
        """Remove all files of a recording."""
        # The WAV first: what a crash leaves then has no WAV, and the next start removes it.
        path = self.path(address, WAV)
        with contextlib.suppress(OSError):
            path.unlink()
        stem = address.path().rpartition("/")[2]
        with contextlib.suppress(OSError):
            for other in path.parent.glob(f"*{address.key}.*"):
                if other.name.startswith(stem):
                    other.unlink()

    def scan(self) -> Iterator[StoredRecording]:
        """Yield every recording, and what a crash left of one."""
        for language in FOLDERS:
            for character in filter(valid_name, _folders(self.root / language)):
                for mode in MODES:
                    yield from self._recordings(language, sys.intern(character), mode)

    def _recordings(self, language: str, character: str, mode: str) -> Iterator[StoredRecording]:
        """Yield the recordings of one folder, which is listed once."""
        found: dict[str, StoredRecording] = {}
        try:
            with os.scandir(self.root / language / character / mode) as entries:
                for entry in entries:
                    if (name := parse_name(entry.name)) is not None:
                        slug, key, suffix = name
                        if key not in found:
                            address = Address(language, character, mode, slug, key)
                            found[key] = StoredRecording(address, (), 0.0)
                        _note(found[key], suffix, entry)
        except OSError as error:
            logger.debug("a folder is not read: %s", error)
        yield from found.values()

    def _with_other_files(self, address: Address, suffix: str, sidecar: Sidecar) -> Sidecar:
        """Return the sidecar on the disk with one file more: others may have come meanwhile."""
        now = self.sidecar(address)
        facts = sidecar.facts(suffix)
        assert facts is not None, "a file that is kept is in its sidecar"
        return (now or sidecar).with_file(suffix, facts)

    def _write_sidecar(self, address: Address, sidecar: Sidecar) -> None:
        part = self.new_part(address.key, SIDECAR).path
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(sidecar.serialised())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path(address, SIDECAR))


def _note(stored: StoredRecording, suffix: str, entry: os.DirEntry[str]) -> None:
    if suffix != SIDECAR:
        known = entry.stat(follow_symlinks=False)
        stored.files += ((sys.intern(suffix), known.st_size),)
        if suffix == WAV:
            stored.heard_at = known.st_mtime


def _folders(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _written_by_another(name: str) -> bool:
    """Tell whether a part carries the number of another process that is alive."""
    found = _PART.fullmatch(name)
    if found is None or int(found["pid"]) == os.getpid():
        return False
    try:
        os.kill(int(found["pid"]), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
