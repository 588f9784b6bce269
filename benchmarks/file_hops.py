"""Benchmark: the cost of files in threads: one trip for all steps, or one for each (aiofiles).

Both ways do the same work in turn, so that a machine with other work is unfair to neither. Files
have just been written: the system's memory holds them, and what is left is the way to them.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiofiles
import numpy as np

from benchmarks import report
from realtime.audio.spoken import Spoken
from realtime.audio.wav import HEADER_BYTES
from realtime.cache import SIDECAR, WAV, Address, Cache, FileFacts, Production, Recording, Sidecar
from realtime.cache.checked_read import read_checked
from realtime.cache.disk import DiskStore, PartFile
from realtime.cache.recording import BLOCK_BYTES
from realtime.cache.sidecar import read_sidecar
from realtime.settings import CacheSettings, Settings

RATE = 24000
SHORT_SECONDS, LONG_SECONDS = 2.0, 400.0  # 100 KB, which is read whole; 19 MB, read in blocks
WRITTEN_BYTES = 1 << 18  # as a growing recording writes at once

Way = Callable[[], Awaitable[object]]


async def keep_recording(cache: Cache, seconds: float) -> Address:
    """Keep a recording of noise, as the server keeps one."""
    key = hashlib.sha256(str(seconds).encode()).hexdigest()[:16]
    address = Address("en", "noise", "short", "noise", key)
    samples = np.random.default_rng(0).integers(-9000, 9000, round(RATE * seconds))

    async def produce(recording: Recording) -> None:
        await recording.add(Spoken(samples.astype(np.int16)))

    async def sidecar(recording: Recording, facts: FileFacts) -> Sidecar:
        engine = {"name": "noise", "version": "1"}
        size = recording.samples
        made = "2026-01-01T00:00:00+00:00"
        return Sidecar(key, {}, engine, seconds, RATE, size, facts.sha256, (), made, 1.0)

    production = Production(lambda: Recording(RATE), produce, Recording.header, sidecar)
    async with cache.open(address, WAV, production, finish=True) as opened:
        assert isinstance(opened.source, Recording), "it begins now"
        await opened.source.wait_until_settled()
    return address


def short_reads(store: DiskStore, address: Address) -> tuple[Way, Way]:
    """Read a short recording and its sidecar, and check its digest."""
    wav, sidecar = (store.root / address.path(suffix) for suffix in (WAV, SIDECAR))

    async def each_step() -> object:
        async with aiofiles.open(sidecar, "rb") as file:
            facts = read_sidecar(await file.read())
        async with aiofiles.open(wav, "rb") as file:
            body = await file.read()
        digest = await asyncio.to_thread(hashlib.sha256, body)
        assert digest.hexdigest() == facts.sha256
        return body

    return lambda: asyncio.to_thread(read_checked, store, address, WAV), each_step


def long_reads(store: DiskStore, address: Address) -> tuple[Way, Way]:
    """Read a long recording in blocks, as it is sent; the server itself takes the second way."""
    path = store.root / address.path(WAV)
    found = read_checked(store, address, WAV)
    assert found is not None and found.body is None, "it is too long to be held in memory"

    async def by_hand() -> object:
        file = await asyncio.to_thread(path.open, "rb")
        try:
            while await asyncio.to_thread(file.read, BLOCK_BYTES):
                pass
        finally:
            file.close()
        return None

    async def as_served() -> object:
        async for _ in found.chunks():
            pass
        return None

    return by_hand, as_served


async def writes(folder: Path) -> tuple[Way, Way]:
    """Write a part of a growing recording behind those that are there."""
    data = os.urandom(WRITTEN_BYTES)
    part = PartFile(folder / "by_hand.part")
    file = await aiofiles.open(folder / "aiofiles.part", "wb", buffering=0)
    return lambda: asyncio.to_thread(part.write, data), lambda: file.write(data)


def keeps(folder: Path) -> tuple[Way, Way]:
    """Write the rest of a recording and its head, put it on the disk, and take its digest."""
    data, head = os.urandom(WRITTEN_BYTES), bytes(HEADER_BYTES)

    async def one_trip() -> object:
        part = PartFile(folder / "kept.part")
        facts = await asyncio.to_thread(part.seal, data, head)
        part.close()
        return facts

    async def each_step() -> object:
        digest = hashlib.sha256()
        async with aiofiles.open(folder / "stepped.part", "w+b", buffering=0) as file:
            await file.write(data)
            await file.seek(0)
            await file.write(head)
            await asyncio.to_thread(os.fsync, file.fileno())
            await file.seek(0)
            while block := await file.read(1 << 20):
                await asyncio.to_thread(digest.update, block)
        return digest.hexdigest()

    return one_trip, each_step


async def measure(name: str, ways: tuple[Way, Way], rounds: int) -> dict[str, Any]:
    """Take both ways in turn; the row of the table."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for way, times in zip(ways, taken, strict=True):
            begun = time.perf_counter()
            await way()
            times.append(1e6 * (time.perf_counter() - begun))
    one, each = map(statistics.median, taken)
    return {
        "work": name,
        "rounds": rounds,
        "one trip µs": round(one),
        "aiofiles µs": round(each),
        "ratio": round(each / one, 2),
    }


async def measure_all(folder: Path, rounds: int) -> list[dict[str, Any]]:
    cache = Cache(Settings(cache=CacheSettings(path=folder / "cache")))
    await cache.start()
    short, long = [await keep_recording(cache, each) for each in (SHORT_SECONDS, LONG_SECONDS)]
    works = {
        "read 96 KB and its sidecar, checked": (short_reads(cache.store, short), rounds),
        "read 19 MB in blocks of 256 KiB": (long_reads(cache.store, long), rounds // 10),
        "write 256 KiB": (await writes(folder), rounds),
        "finish a part: head, fsync, digest": (keeps(folder), rounds // 4),
    }
    rows = [await measure(name, ways, most) for name, (ways, most) in works.items()]
    await cache.close()
    return rows


def main() -> None:
    parser = report.argument_parser("What do files in threads cost?")
    parser.add_argument("--rounds", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yamabiko-") as name:
        rows = asyncio.run(measure_all(Path(name), options.rounds))
    report.print_table("Files in threads (medians)", rows)
    report.write_json(options.json, {"files": rows})


if __name__ == "__main__":
    main()
