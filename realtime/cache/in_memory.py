"""Finished recordings in bounded memory; the longest unheard goes first."""

from __future__ import annotations

from collections import OrderedDict

from realtime.cache.recording import FinishedRecording

OVERHEAD_BYTES = 2_000  # of one recording in memory, beside its body and its words
WORD_BYTES = 200


class MemoryCache:
    """The files that were heard lately, ready to be sent."""

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
        name = (finished.address.key, finished.suffix)
        self._drop(name)
        self._held[name] = finished
        self.bytes += _cost(finished)
        while self.bytes > self._most and self._held:
            self._drop(next(iter(self._held)))

    def forget(self, key: str) -> None:
        for name in [name for name in self._held if name[0] == key]:
            self._drop(name)

    def _drop(self, name: tuple[str, str]) -> None:
        found = self._held.pop(name, None)
        if found is not None:
            found.dropped = True
            self.bytes -= _cost(found)


def _cost(finished: FinishedRecording) -> int:
    words = WORD_BYTES * len(finished.sidecar.words)
    return OVERHEAD_BYTES + words + len(finished.body or b"")
