"""Recordings for tests, made without any engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from realtime.audio.samples import Pcm
from realtime.audio.spoken import Spoken, Word
from realtime.audio.wav import HEADER_BYTES, wav_file
from realtime.cache import (
    WAV,
    Address,
    Cache,
    DiskStore,
    FileFacts,
    Production,
    Recording,
    Sidecar,
    key_of,
)
from realtime.settings import CacheSettings, LimitsSettings, Settings
from tests.support.polling import until

RATE = 24000


def address(text: str = "hello", character: str = "bell", mode: str = "short") -> Address:
    return Address("en", character, mode, text, key_of({"text": text, "character": character}))


def cache_in(folder: Path, limits: LimitsSettings | None = None, **settings: Any) -> Cache:
    found = CacheSettings(path=folder, **settings)
    return Cache(Settings(cache=found, limits=limits or LimitsSettings()))


def noise(samples: int = 1000, seed: int = 0) -> Pcm:
    return np.random.default_rng(seed).integers(-9000, 9000, samples).astype(np.int16)


def sidecar_of(key: str, samples: int, sha256: str, text: str = "hello") -> Sidecar:
    return Sidecar(
        key=key,
        line={"text": text},
        engine={"name": "none", "version": "1"},
        duration=samples / RATE,
        sample_rate=RATE,
        samples=samples,
        sha256=sha256,
        words=(Word("hello", 0.0, 0.01),),
        created="2026-01-01T00:00:00+00:00",
        took_ms=1.0,
    )


class ScriptedProducer:
    """A producer that a test leads: it gives parts while the gate is open."""

    def __init__(self, parts: list[Pcm], error: Exception | None = None) -> None:
        self.parts = parts
        self.error = error
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = 0
        self.given = 0
        self.stopped = False

    def production(self, at: Address) -> Production[Recording]:
        return Production(
            lambda: Recording(RATE), self._produce, Recording.header, self._sidecar(at)
        )

    async def _produce(self, recording: Recording) -> None:
        self.begun += 1
        try:
            for part in self.parts:
                await self.gate.wait()
                await recording.add(Spoken(part, (Word("w", 0.0, 0.1),)))
                self.given += 1
                await recording.wait_until_wanted()
            if self.error is not None:
                raise self.error
        except asyncio.CancelledError:
            self.stopped = True
            raise

    def _sidecar(self, at: Address) -> Callable[[Recording, FileFacts], Any]:
        async def sidecar(recording: Recording, facts: FileFacts) -> Sidecar:
            return sidecar_of(at.key, recording.samples, facts.sha256)

        return sidecar


def wav_of(parts: list[Pcm]) -> bytes:
    return wav_file(np.concatenate(parts), RATE)


def keep_recording(store: DiskStore, text: str = "hello", seed: int = 0) -> bytes:
    """Put a recording of 1000 samples on the disk and return its WAV."""
    at, sound = address(text), wav_of([noise(seed=seed)])
    part = store.new_part(at.key)
    part.write(b"\0" * HEADER_BYTES)
    facts = part.seal(sound[HEADER_BYTES:], sound[:HEADER_BYTES])
    store.keep(part, at, WAV, sidecar_of(at.key, 1000, facts.sha256))
    part.close()
    return sound


async def read_all(source: Any) -> bytes:
    return b"".join([data async for data in source.chunks()])


async def hear(
    cache: Cache, producer: ScriptedProducer, at: Address, finish: bool = False
) -> tuple[str, bytes]:
    """Open a recording and read it to its end: hit, join or miss, and its bytes."""
    async with cache.open(at, WAV, producer.production(at), finish) as opened:
        return opened.result, await read_all(opened.source)


async def until_nothing_grows(cache: Cache) -> None:
    await until(lambda: not cache.busy)


def forget_memory(cache: Cache) -> None:
    """Make the cache read its recordings from the disk again."""
    for entry in cache.index:
        cache.memory.forget(entry.address.key)


def same_sound(found: bytes, expected: bytes) -> bool:
    """Compare but for the header: that of a growing file states other sizes."""
    return found[HEADER_BYTES:] == expected[HEADER_BYTES:] and len(found) == len(expected)
