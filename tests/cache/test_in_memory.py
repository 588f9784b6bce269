"""Recordings that were heard lately are held, within a bound."""

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
    memory = MemoryCache(2 * OVERHEAD_BYTES + 10_000)
    for text in "abc":
        memory.put(finished(text, 4_000))
        memory.get(address("a").key, ".wav")
    assert memory.get(address("b").key, ".wav") is None
    assert memory.get(address("a").key, ".wav") is not None
    assert memory.bytes <= 2 * OVERHEAD_BYTES + 10_000


def test_what_is_forgotten_frees_its_bytes() -> None:
    memory = MemoryCache(1_000_000)
    memory.put(finished("a", 10))
    memory.put(finished("a", 10))
    memory.put(finished("a", 20, ".ogg"))
    held = memory.get(address("a").key, ".ogg")
    memory.forget(address("a").key)
    assert memory.bytes == 0
    assert held is not None and held.dropped
    assert memory.get(address("a").key, ".ogg") is None


def test_what_is_larger_than_the_bound_is_not_held() -> None:
    memory = MemoryCache(100)
    memory.put(finished("a", 1_000))
    assert (memory.bytes, memory.get(address("a").key, ".wav")) == (0, None)
