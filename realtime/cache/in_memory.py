"""Finished recordings in bounded memory, the longest unheard first to go; it reads no disk."""

from __future__ import annotations

from collections import OrderedDict

from realtime.cache.recording import FinishedRecording

OVERHEAD_BYTES = 2_000  # what one costs beside its body and its words
WORD_BYTES = 200


class MemoryCache:
    """What was heard lately, ready to be sent."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held: OrderedDict[tuple[str, str], FinishedRecording] = OrderedDict()
        self.bytes = 0

    def get(self, key: str, suffix: str) -> FinishedRecording | None:
        found = self._held.get((key, suffix))
        if found is not None:
            self._held.move_to_end((key, suffix))
        return found

    def put(self, finished: FinishedRecording) -> None:
        place = (finished.address.key, finished.suffix)
        self._drop(place)
        self._held[place] = finished
        self.bytes += _cost(finished)
        while self.bytes > self._most and self._held:
            self._drop(next(iter(self._held)))

    def forget(self, key: str) -> None:
        for place in [place for place in self._held if place[0] == key]:
            self._drop(place)

    def clear(self) -> None:
        for place in list(self._held):
            self._drop(place)

    def _drop(self, place: tuple[str, str]) -> None:
        found = self._held.pop(place, None)
        if found is not None:
            found.dropped = True
            self.bytes -= _cost(found)


def _cost(finished: FinishedRecording) -> int:
    words = WORD_BYTES * len(finished.sidecar.words)
    return OVERHEAD_BYTES + words + len(finished.body or b"")
