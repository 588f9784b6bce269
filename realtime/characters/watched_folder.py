"""A folder whose files are read again only when they change."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Mark = tuple[int, ...]  # inode, size and times: it differs when a file has changed
Reader = Callable[[Path], object]
UNREAD: Mark = ()


@dataclass(frozen=True)
class CharacterSource:
    """A file as it was last read: its content, or the fault that makes it unusable."""

    file: str
    content: object = None
    fault: str = ""


class WatchedFolder:
    """The files of a folder that have a known ending; a reader reports a bad one by ValueError."""

    def __init__(self, path: Path, readers: Mapping[str, Reader], noted: tuple[str, ...]) -> None:
        self.path = path
        self.fault = ""
        self.sources: Mapping[str, CharacterSource] = {}
        self._readers = readers
        self._endings = (*readers, *noted)  # the noted ones are only looked for, never read
        self._marks: dict[str, Mark] | None = None

    def __contains__(self, file: str) -> bool:
        return file in (self._marks or {})

    def refresh(self) -> bool:
        """Read the files that are new or changed; return False when none is."""
        marks, fault = self._scan()
        if (marks, fault) == (self._marks, self.fault):
            return False
        before = self._marks or {}
        self.fault, self._marks = fault, marks
        self.sources = {
            file: self.sources[file] if before.get(file) == mark else self._read(file)
            for file, mark in marks.items()
            if file.endswith(tuple(self._readers))
        }
        return True

    def _scan(self) -> tuple[dict[str, Mark], str]:
        try:
            with os.scandir(self.path) as entries:
                names = sorted(entry.name for entry in entries if self._wanted(entry.name))
        except (FileNotFoundError, NotADirectoryError):
            return {}, "there is no such folder"
        except OSError as error:  # such as too many open files: what was read before stays
            return self._marks or {}, f"it cannot be listed: {error.strerror}"
        return {name: self._mark(name) for name in names}, ""

    def _wanted(self, name: str) -> bool:
        return name.endswith(self._endings) and not name.startswith(".")

    def _mark(self, name: str) -> Mark:
        try:
            found = os.stat(self.path / name)
        except OSError:
            return UNREAD
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def _read(self, file: str) -> CharacterSource:
        try:
            reader = next(read for end, read in self._readers.items() if file.endswith(end))
            return CharacterSource(file, reader(self.path / file))
        except OSError as error:
            self._read_again_later(file)
            return CharacterSource(file, fault=f"it cannot be read: {error.strerror}")
        except ValueError as error:
            return CharacterSource(file, fault=str(error))

    def _read_again_later(self, file: str) -> None:
        """Forget the mark of a file that the system refused: it may allow it later, unchanged."""
        if self._marks is not None and file in self._marks:
            self._marks[file] = UNREAD
