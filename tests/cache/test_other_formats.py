"""Other formats: made once, also of a recording that grows, the same bytes after the head."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from realtime.audio.decoding import decode
from realtime.audio.formats import FORMATS
from realtime.cache import WAV, Cache
from realtime.cache.other_formats import OtherFormats, suffix_of
from tests.support.durations import PLAYERS, TRUE, duration_told, tells_truly
from tests.support.polling import until
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


# Bytes of a growing file that are replaced when it is finished. At 24 kHz a frame of MP3 has 288.
HEADS = {".wav": 44, ".16000.wav": 44, ".flac": 42, ".mp3": 288}


def same_after_head(suffix: str, found: bytes, expected: bytes) -> bool:
    start = HEADS.get(suffix, 0)
    return len(found) == len(expected) and found[start:] == expected[start:]


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
    assert all(found and same_after_head(suffix, found[1], again[1]) for found in first)
    assert [found[0] for found in first if found].count("miss") == 1
    sound, rate = decode(again[1])
    assert rate == {".opus": 48000, ".16000.wav": 16000}.get(suffix, 24000)
    assert abs(sound.size / rate - 3.0) < 0.15
    sidecar = await asyncio.to_thread(cache.store.sidecar, address())
    assert sidecar is not None and sidecar.files[suffix].bytes == len(again[1])


async def heard_while_it_grows(cache: Cache, suffix: str) -> bytes:
    """Listen to a recording that is spoken only while somebody listens to this form of it."""
    producer = ScriptedProducer(PARTS)
    producer.gate.clear()
    async with cache.open(address(), WAV, producer.production(address()), finish=True):
        pass
    async with OtherFormats(cache).listen(address(), suffix) as opened:
        assert opened is not None
        producer.gate.set()
        grown = await read_all(opened.source)
    await until_nothing_grows(cache)
    return grown


async def test_a_growing_recording_is_encoded_as_it_grows(cache: Cache) -> None:
    grown = await heard_while_it_grows(cache, ".flac")
    again = await heard_as(cache, ".flac")
    assert again is not None and again[0] == "hit"
    assert same_after_head(".flac", grown, again[1])
    for data in (grown, again[1]):
        assert np.array_equal(decode(data)[0], np.concatenate(PARTS))


@pytest.mark.parametrize("suffix", [".wav", *(f".{name}" for name in TRUE if name != "wav")])
async def test_a_kept_file_tells_its_true_duration(
    cache: Cache, tmp_path: Path, suffix: str
) -> None:
    await heard_while_it_grows(cache, suffix)
    for player in PLAYERS:
        path = tmp_path / address().path(suffix)
        assert tells_truly(player, path, 3.0), (player, duration_told(player, path))


async def test_a_file_that_an_older_version_wrote_is_made_anew(
    cache: Cache, tmp_path: Path
) -> None:
    await hear(cache, ScriptedProducer(PARTS), address())
    await until_nothing_grows(cache)
    new = await heard_as(cache, ".flac")
    await until_nothing_grows(cache)
    path = tmp_path / address().path(".json")
    told = json.loads(path.read_bytes())
    old = b"written by an older version"
    (tmp_path / address().path(".flac")).write_bytes(old)
    told["files"][".flac"] = {"sha256": hashlib.sha256(old).hexdigest(), "bytes": len(old)}
    path.write_text(json.dumps(told))
    forget_memory(cache)
    assert await heard_as(cache, ".flac") == new
    await until_nothing_grows(cache)
    assert (await heard_as(cache, ".flac") or ("", b""))[0] == "hit"


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
    await until(lambda: cache.growing(address().key, ".mp3"))
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
