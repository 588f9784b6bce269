"""The index of the recordings there are, in the order in which they are removed."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from realtime.cache.address import WAV, Address


@dataclass(slots=True)
class Entry:
    """A finished recording and the sizes of its files."""

    address: Address
    files: tuple[tuple[str, int], ...] = ()  # (suffix, bytes): smaller than a dict
    readers: int = 0

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.files)

    def has(self, suffix: str) -> bool:
        return any(name == suffix for name, _ in self.files)


class Index:
    """Entries in the order in which they were heard last, the longest unheard first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    @contextmanager
    def reading(self, address: Address) -> Iterator[None]:
        """Keep a recording from being removed while the context lasts."""
        entry = self.get(address.key) or Entry(address)
        entry.readers += 1
        try:
            yield
        finally:
            entry.readers -= 1

    def note_heard(self, key: str) -> None:
        if key in self._entries:
            self._entries.move_to_end(key)

    def put(self, address: Address, suffix: str, size: int) -> Entry:
        """Note one file of a recording, also in place of an older one."""
        entry = self._entries.get(address.key)
        if entry is None:
            entry = self._entries[address.key] = Entry(address)
        others = tuple(item for item in entry.files if item[0] != suffix)
        self.bytes += size - (entry.bytes - sum(size for _, size in others))
        entry.files = (*others, (sys.intern(suffix), size))
        return entry

    def add_older(self, address: Address, files: tuple[tuple[str, int], ...]) -> None:
        """Note a recording from the disk: it is removed before all that are there."""
        if address.key not in self._entries:
            entry = self._entries[address.key] = Entry(address, files)
            self._entries.move_to_end(address.key, last=False)
            self.bytes += entry.bytes

    def forget(self, key: str) -> Entry | None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry.bytes
        return entry

    def surplus(self, most_bytes: int) -> list[Entry]:
        """List what to remove so that the rest fits: longest unheard first, nothing being read."""
        found, left = [], self.bytes
        for entry in self._entries.values():
            if left <= most_bytes:
                break
            if not entry.readers:
                found.append(entry)
                left -= entry.bytes
        return found

    def find_by_slug(
        self, language: str, character: str, modes: tuple[str, ...], slug: str
    ) -> list[Entry]:
        """Find the recordings of texts with this slug, the last heard first."""
        wanted = (language, character, slug)
        return [
            entry
            for entry in reversed(list(self))
            if (entry.address.language, entry.address.character, entry.address.slug) == wanted
            and entry.address.mode in modes
            and entry.has(WAV)
        ]
