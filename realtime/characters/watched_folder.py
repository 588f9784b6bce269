"""A folder whose files are read again only when they change; it knows nothing of what they hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Mark = tuple[int, ...]  # what changes when a file changes
Reader = Callable[[Path], object]
UNREAD: Mark = ()


@dataclass(frozen=True)
class CharacterSource:
    """One file as it was last read: what it holds, or why that cannot be used."""

    file: str
    holds: object = None
    fault: str = ""


class WatchedFolder:
    """The files with a known ending; a reader says with ValueError what is wrong with one."""

    def __init__(self, path: Path, readers: Mapping[str, Reader], noted: tuple[str, ...]) -> None:
        self.path = path
        self.fault = ""
        self.sources: Mapping[str, CharacterSource] = {}
        self._readers = readers
        self._endings = (*readers, *noted)  # the noted ones are only looked for, never read
        self._marks: dict[str, Mark] | None = None

    def __contains__(self, file: str) -> bool:
        return file in (self._marks or {})

    def look(self) -> bool:
        """Reads what is new or changed; false when everything is as it was."""
        marks, fault = self._seen()
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

    def _seen(self) -> tuple[dict[str, Mark], str]:
        try:
            with os.scandir(self.path) as entries:
                names = sorted(entry.name for entry in entries if self._wanted(entry.name))
        except (FileNotFoundError, NotADirectoryError):
            return {}, "there is no such folder"
        except OSError as error:  # too many open files, say: what was read is still true
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
            self._unread(file)
            return CharacterSource(file, fault=f"it cannot be read: {error.strerror}")
        except ValueError as error:
            return CharacterSource(file, fault=str(error))

    def _unread(self, file: str) -> None:
        """What the system refused once it may give later, without the file having changed."""
        if self._marks is not None and file in self._marks:
            self._marks[file] = UNREAD
