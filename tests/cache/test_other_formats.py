"""Recordings in other formats: made once, also of a growing one, and always the same bytes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from realtime.audio.decoding import decode
from realtime.audio.formats import FORMATS
from realtime.cache import WAV, Cache
from realtime.cache.other_formats import OtherFormats, suffix_of
from tests.support.recordings import (
    ScriptedProducer,
    address,
    forget_memory,
    hear,
    noise,
    read_all,
    until_nothing_grows,
)

pytestmark = pytest.mark.anyio

PARTS = [noise(24000, seed) for seed in range(3)]


async def heard_as(cache: Cache, suffix: str) -> tuple[str, bytes] | None:
    async with OtherFormats(cache).listen(address(), suffix) as opened:
        return None if opened is None else (opened.result, await read_all(opened.source))


@pytest.mark.parametrize(
    ("name", "rate", "suffix"),
    [
        ("wav", None, ".wav"),
        ("wav", 24000, ".wav"),
        ("wav", 16000, ".16000.wav"),
        ("ogg", 48000, ".48000.ogg"),
        ("opus", 16000, ".opus"),
        ("opus", None, ".opus"),
        ("mp3", 24000, ".mp3"),
    ],
)
def test_suffixes(name: str, rate: int | None, suffix: str) -> None:
    assert suffix_of(FORMATS[name], rate, 24000) == suffix


@pytest.mark.parametrize("suffix", [".ogg", ".opus", ".mp3", ".flac", ".aac", ".16000.wav"])
async def test_a_finished_recording_in_another_form(cache: Cache, suffix: str) -> None:
    await hear(cache, ScriptedProducer(PARTS), address())
    await until_nothing_grows(cache)
    first = await asyncio.gather(*(heard_as(cache, suffix) for _ in range(5)))
    await until_nothing_grows(cache)
    again = await heard_as(cache, suffix)
    assert again is not None and again[0] == "hit"
    start = 44 if suffix.endswith("wav") else 0
    assert {found[1][start:] for found in first if found} == {again[1][start:]}
    assert [found[0] for found in first if found].count("miss") == 1
    sound, rate = decode(again[1])
    assert rate == {".opus": 48000, ".16000.wav": 16000}.get(suffix, 24000)
    assert abs(sound.size / rate - 3.0) < 0.15
    sidecar = await asyncio.to_thread(cache.store.sidecar, address())
    assert sidecar is not None and sidecar.files[suffix].bytes == len(again[1])


async def test_a_growing_recording_is_encoded_as_it_grows(cache: Cache) -> None:
    producer = ScriptedProducer(PARTS)
    producer.gate.clear()
    async with cache.open(address(), WAV, producer.production(address()), finish=True):
        pass
    async with OtherFormats(cache).listen(address(), ".flac") as opened:
        assert opened is not None and not isinstance(opened.source, bytes)
        producer.gate.set()
        grown = await read_all(opened.source)
    await until_nothing_grows(cache)
    assert await heard_as(cache, ".flac") == ("hit", grown)
    assert np.array_equal(decode(grown)[0], np.concatenate(PARTS))


async def test_a_variant_starts_no_synthesis(cache: Cache) -> None:
    assert await heard_as(cache, ".ogg") is None
    assert await heard_as(cache, ".wav") is None


async def test_a_recording_that_breaks_breaks_its_variants(cache: Cache) -> None:
    from realtime.errors import SynthesisFailed

    producer = ScriptedProducer(PARTS, SynthesisFailed("It broke."))
    producer.gate.clear()
    async with cache.open(address(), WAV, producer.production(address()), finish=True):
        pass
    hearing = asyncio.create_task(heard_as(cache, ".mp3"))
    await asyncio.sleep(0.01)
    producer.gate.set()
    with pytest.raises(SynthesisFailed):
        await hearing
    await until_nothing_grows(cache)
    assert await heard_as(cache, ".mp3") is None


async def test_a_lost_variant_is_made_again(cache: Cache, tmp_path: Path) -> None:
    await hear(cache, ScriptedProducer(PARTS), address())
    await until_nothing_grows(cache)
    first = await heard_as(cache, ".mp3")
    await until_nothing_grows(cache)
    (tmp_path / address().path(".mp3")).write_bytes(b"damaged")
    forget_memory(cache)
    again = await heard_as(cache, ".mp3")
    assert first is not None and again is not None
    assert again == ("miss", first[1])
