"""What was heard lately, within its bound."""

from __future__ import annotations

from pathlib import Path

from realtime.cache.disk import DiskStore
from realtime.cache.in_memory import OVERHEAD_BYTES, MemoryCache
from realtime.cache.recording import FinishedRecording
from tests.support.recordings import address, sidecar_of


def finished(text: str, size: int, suffix: str = ".wav") -> FinishedRecording:
    at = address(text)
    return FinishedRecording(
        at, suffix, sidecar_of(at.key, 1, ""), size, "", bytes(size), DiskStore(Path("nowhere"))
    )


def test_the_longest_unheard_goes_and_the_bound_holds() -> None:
    hot = MemoryCache(2 * OVERHEAD_BYTES + 10_000)
    for text in "abc":
        hot.put(finished(text, 4_000))
        hot.get(address("a").key, ".wav")
    assert hot.get(address("b").key, ".wav") is None
    assert hot.get(address("a").key, ".wav") is not None
    assert hot.bytes <= 2 * OVERHEAD_BYTES + 10_000


def test_what_is_forgotten_frees_its_bytes() -> None:
    hot = MemoryCache(1_000_000)
    hot.put(finished("a", 10))
    hot.put(finished("a", 10))
    hot.put(finished("a", 20, ".ogg"))
    held = hot.get(address("a").key, ".ogg")
    hot.forget(address("a").key)
    assert hot.bytes == 0
    assert held is not None and held.dropped
    assert hot.get(address("a").key, ".ogg") is None


def test_what_is_larger_than_the_bound_is_not_held() -> None:
    hot = MemoryCache(100)
    hot.put(finished("a", 1_000))
    assert (hot.bytes, hot.get(address("a").key, ".wav")) == (0, None)
