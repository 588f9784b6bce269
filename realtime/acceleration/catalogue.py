"""The recordings that are held: bounded, the ones that cost and serve least go first."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from realtime.acceleration.forms import CannotRun
from realtime.acceleration.recorder import Recording
from realtime.acceleration.shapes import Sizes

HALVED_EVERY = 1_024  # hits after which all uses count half: what was liked long ago fades


@dataclass
class Entry:
    """A recording, what it cost to make, and how it is used."""

    recording: Recording
    seconds: float
    uses: float = 1.0

    @property
    def worth(self) -> float:
        return self.seconds * self.uses


class Catalogue:
    """Recordings by bucket, within a number and a sum of bytes."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._entries: dict[Sizes, Entry] = {}
        self._lock = threading.Lock()
        self._hits = 0
        self.captures = 0
        self.evictions = 0

    def __contains__(self, sizes: Sizes) -> bool:
        return sizes in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        with self._lock:
            return self._bytes()

    def get(self, sizes: Sizes) -> Recording | None:
        """A recording, counted as used."""
        with self._lock:
            entry = self._entries.get(sizes)
            if entry is None:
                return None
            entry.uses += 1
            self._hits += 1
            if self._hits % HALVED_EVERY == 0:
                for other in self._entries.values():
                    other.uses /= 2
            return entry.recording

    def has_place_for(self, uses: float) -> bool:
        """Whether a bucket used so often would displace nobody better than itself."""
        with self._lock:
            if len(self._entries) < self._most and self._bytes() < self._most_bytes:
                return True
            return uses > min((entry.uses for entry in self._entries.values()), default=0)

    def add(self, sizes: Sizes, recording: Recording, seconds: float) -> None:
        """Keep a recording and close those that have no place beside it."""
        with self._lock:
            self.captures += 1
            if recording.bytes > self._most_bytes:
                recording.close()
                raise CannotRun(
                    f"its graph takes {recording.bytes} bytes, allowed are {self._most_bytes}"
                )
            old = self._entries.pop(sizes, None)
            if old is not None:
                old.recording.close()
            while self._entries and (
                len(self._entries) >= self._most
                or self._bytes() + recording.bytes > self._most_bytes
            ):
                self._evict()
            self._entries[sizes] = Entry(recording, seconds)

    def drop(self, sizes: Sizes) -> None:
        with self._lock:
            entry = self._entries.pop(sizes, None)
        if entry is not None:
            entry.recording.close()

    def clear(self) -> None:
        for sizes in list(self._entries):
            self.drop(sizes)

    def _bytes(self) -> int:
        return sum(entry.recording.bytes for entry in self._entries.values())

    def _evict(self) -> None:
        sizes = min(self._entries, key=lambda name: self._entries[name].worth)
        self._entries.pop(sizes).recording.close()
        self.evictions += 1
