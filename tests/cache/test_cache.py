"""Hit, join or miss; one producer; kept when whole, and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realtime.audio.wav import HEADER_BYTES
from realtime.cache import WAV, Cache, FinishedRecording, GrowingRecording
from realtime.cache.recording import LEAD_SECONDS
from realtime.errors import Busy, SynthesisFailed
from realtime.settings import LimitsSettings
from tests.support.polling import until
from tests.support.recordings import (
    RATE,
    ScriptedProducer,
    address,
    cache_in,
    hear,
    noise,
    read_all,
    same_sound,
    until_nothing_grows,
    wav_of,
)

pytestmark = pytest.mark.anyio

PARTS = [noise(500, seed) for seed in range(4)]


def file_names(folder: Path, pattern: str = "*") -> list[str]:
    """List the names of the files in a folder and below it."""
    return sorted(path.name for path in folder.rglob(pattern) if path.is_file())


async def test_many_at_once_are_one_synthesis(cache: Cache) -> None:
    producer = ScriptedProducer(PARTS)
    found = await asyncio.gather(*(hear(cache, producer, address()) for _ in range(50)))
    await until_nothing_grows(cache)
    assert producer.begun == 1
    assert sorted({result for result, _ in found}) == ["join", "miss"]
    assert all(same_sound(data, wav_of(PARTS)) for _, data in found)
    assert await hear(cache, producer, address()) == ("hit", wav_of(PARTS))
    assert producer.begun == 1


async def test_it_is_still_there_after_a_restart(tmp_path: Path) -> None:
    for result in ("miss", "hit"):
        cache = cache_in(tmp_path)
        await cache.start()
        assert (await hear(cache, ScriptedProducer(PARTS), address()))[0] == result
        await cache.close()


async def test_another_process_is_found_on_the_disk(tmp_path: Path, cache: Cache) -> None:
    other = cache_in(tmp_path)
    await hear(other, ScriptedProducer(PARTS), address())
    await other.close()
    assert not len(cache.index)
    assert (await hear(cache, ScriptedProducer(PARTS), address()))[0] == "hit"


async def test_the_last_listener_who_leaves_ends_it_and_nothing_is_kept(
    cache: Cache, tmp_path: Path
) -> None:
    producer = ScriptedProducer([noise(RATE)] * 9)
    async with cache.open(address(), WAV, producer.production(address())) as opened:
        assert isinstance(opened.source, GrowingRecording)
        await opened.source.read(0)
    await until_nothing_grows(cache)
    assert producer.stopped and producer.given <= LEAD_SECONDS + 2
    assert file_names(tmp_path) == [".lock"]
    assert (await hear(cache, ScriptedProducer(PARTS), address()))[0] == "miss"


async def test_one_of_two_listeners_may_leave(cache: Cache) -> None:
    producer = ScriptedProducer(PARTS)
    async with AsyncExitStack() as stack:
        stays = await stack.enter_async_context(
            cache.open(address(), WAV, producer.production(address()))
        )
        async with cache.open(address(), WAV, producer.production(address())):
            pass
        assert same_sound(await read_all(stays.source), wav_of(PARTS))
    assert not producer.stopped


async def test_what_is_asked_for_by_its_address_is_finished_alone(cache: Cache) -> None:
    producer = ScriptedProducer(PARTS)
    async with cache.open(address(), WAV, producer.production(address()), finish=True):
        pass
    await until_nothing_grows(cache)
    assert (await hear(cache, producer, address()))[0] == "hit"


async def test_who_comes_while_it_is_given_up_gets_a_whole_one(cache: Cache) -> None:
    for _ in range(20):
        async with cache.open(address(), WAV, ScriptedProducer(PARTS).production(address())):
            pass
        again = ScriptedProducer(PARTS)
        await asyncio.sleep(0)
        result, data = await hear(cache, again, address())
        assert same_sound(data, wav_of(PARTS)), result
        await until_nothing_grows(cache)
        await cache.remove(address())


async def test_an_error_reaches_all_keeps_nothing_and_the_next_tries_afresh(
    cache: Cache, tmp_path: Path
) -> None:
    producer = ScriptedProducer(PARTS, SynthesisFailed("It broke."))
    producer.gate.clear()
    asking = [asyncio.create_task(hear(cache, producer, address(), finish=True)) for _ in range(5)]
    await until(lambda: (found := cache.growing(address().key)) and found.readers == 5)
    producer.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(error, SynthesisFailed) for error in found)
    await until_nothing_grows(cache)
    assert producer.begun == 1
    failure = cache.failures.error(address().key)
    assert failure is not None and failure.message == "It broke."
    assert not file_names(tmp_path, "*.part") and not file_names(tmp_path, "*.wav")
    assert (await hear(cache, ScriptedProducer(PARTS), address()))[0] == "miss"
    assert cache.failures.error(address().key) is None


async def test_a_fault_of_ours_ends_one_recording_alone(cache: Cache) -> None:
    with pytest.raises(SynthesisFailed) as failed:
        await hear(cache, ScriptedProducer(PARTS, ZeroDivisionError("inside")), address())
    assert "inside" not in failed.value.message and "Error" not in failed.value.message


async def test_a_damaged_file_is_forgotten_and_spoken_anew(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, memory_bytes=0)
    await cache.start()
    await hear(cache, ScriptedProducer(PARTS), address())
    await until_nothing_grows(cache)
    path = tmp_path / address().path(WAV)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    result, data = await hear(cache, ScriptedProducer(PARTS), address())
    assert (result, data[HEADER_BYTES:]) == ("miss", wav_of(PARTS)[HEADER_BYTES:])
    await cache.close()


async def test_a_vanished_folder_is_a_miss_and_comes_back(tmp_path: Path) -> None:
    import shutil

    cache = cache_in(tmp_path / "cache", memory_bytes=0)
    await cache.start()
    await hear(cache, ScriptedProducer(PARTS), address())
    await until_nothing_grows(cache)
    shutil.rmtree(tmp_path / "cache")
    assert (await hear(cache, ScriptedProducer(PARTS), address()))[0] == "miss"
    await until_nothing_grows(cache)
    assert (await hear(cache, ScriptedProducer(PARTS), address()))[0] == "hit"
    await cache.close()


async def test_a_cache_that_cannot_be_written_still_lets_everybody_hear(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    noticed: list[str] = []
    cache = cache_in(tmp_path / "file" / "cache")
    cache._count_event = noticed.append
    await cache.start()
    result, data = await hear(cache, ScriptedProducer(PARTS), address())
    assert result == "miss" and same_sound(data, wav_of(PARTS))
    await until_nothing_grows(cache)
    assert noticed == ["not_kept"]
    await cache.close()


async def test_a_disk_that_fills_up_at_the_end_keeps_nothing_wrong(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("realtime.cache.disk.os.replace", full)
    result, data = await hear(cache, ScriptedProducer(PARTS), address())
    assert result == "miss" and same_sound(data, wav_of(PARTS))
    await until_nothing_grows(cache)
    monkeypatch.undo()
    assert not file_names(tmp_path, "*.wav")
    assert (await hear(cache, ScriptedProducer(PARTS), address()))[0] == "miss"


async def test_the_longest_unheard_goes_but_never_what_is_read(tmp_path: Path) -> None:
    size = len(wav_of(PARTS))
    cache = cache_in(tmp_path, max_bytes=2 * size + 10)
    await cache.start()
    for text in "ab":
        await hear(cache, ScriptedProducer(PARTS), address(text))
    await until_nothing_grows(cache)
    async with cache.open(
        address("a"), WAV, ScriptedProducer(PARTS).production(address("a"))
    ) as reading:
        for text in "cd":
            await hear(cache, ScriptedProducer(PARTS), address(text))
            await until_nothing_grows(cache)
        assert isinstance(reading.source, FinishedRecording)
        assert await read_all(reading.source) == wav_of(PARTS)
    assert {entry.address.slug for entry in cache.index} == {"a", "d"}
    assert {name[0] for name in file_names(tmp_path, "*.wav")} == {"a", "d"}
    await cache.close()


async def test_a_stop_keeps_what_is_whole_and_gives_up_the_rest(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    await cache.start()
    waits = ScriptedProducer(PARTS)
    waits.gate.clear()
    listening = asyncio.create_task(hear(cache, waits, address("slow")))
    await hear(cache, ScriptedProducer(PARTS), address("whole"))
    await cache.close()
    with pytest.raises(Busy):
        await listening
    with pytest.raises(Busy):
        await hear(cache, ScriptedProducer(PARTS), address("late"))
    assert [name[:5] for name in file_names(tmp_path, "*.wav")] == ["whole"]
    assert not file_names(tmp_path, "*.part")


async def test_a_start_sweeps_up_what_a_crash_left(tmp_path: Path) -> None:
    folder = tmp_path / "en" / "bell" / "short"
    folder.mkdir(parents=True)
    (tmp_path / ".growing").mkdir()
    (tmp_path / ".growing" / f"{'0' * 16}.wav.1.part").write_bytes(b"half")
    (folder / f"alone-{'1' * 16}.json").write_bytes(b"{}")
    (folder / f"alone-{'2' * 16}.ogg").write_bytes(b"OggS")
    (folder / "notes.txt").write_text("somebody's")
    cache = cache_in(tmp_path)
    await cache.start()
    assert not len(cache.index)
    assert file_names(tmp_path) == [".lock", "notes.txt"]
    await cache.close()


async def test_listeners_are_bounded_and_leave_nothing_behind(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, limits=LimitsSettings(listeners=2))
    await cache.start()
    producer, other = ScriptedProducer(PARTS), address("other")
    production = producer.production(address())
    async with cache.open(address(), WAV, production), cache.open(address(), WAV, production):
        with pytest.raises(Busy, match="2 listeners"):
            async with cache.open(other, WAV, producer.production(other)):
                pass
        with pytest.raises(Busy):
            async with cache.listen(address(), WAV):
                pass
        assert cache.busy == 1
    async with cache.open(other, WAV, producer.production(other)) as opened:
        assert opened.result == "miss"
    await cache.close()


async def test_what_gets_a_name_is_found_under_it_before_it_is_kept(cache: Cache) -> None:
    producer = ScriptedProducer(PARTS)
    async with cache.open_without_address(producer.production(address())) as growing:
        assert cache.growing(address().key) is None and cache.busy == 1
        heard = await read_all(growing)
        assert not await growing.wait_until_settled()
    await until_nothing_grows(cache)
    assert not len(cache.index)
    assert same_sound(heard, wav_of(PARTS))


async def test_a_name_given_at_the_end_keeps_it(cache: Cache) -> None:
    producer, at = ScriptedProducer(PARTS), address()
    production = producer.production(at)

    async def produce(recording: Any) -> None:
        await production.produce(recording)
        cache.give_address(recording, at)

    async with cache.open_without_address(replace(production, produce=produce)) as growing:
        heard = await read_all(growing)
        result, joined = await hear(cache, ScriptedProducer(PARTS), at)
    assert result == "join" and same_sound(joined, heard)
    await until_nothing_grows(cache)
    result, kept = await hear(cache, ScriptedProducer(PARTS), at)
    assert result == "hit" and same_sound(kept, heard)


async def test_a_name_that_is_taken_is_not_taken_twice(cache: Cache) -> None:
    first, second = ScriptedProducer(PARTS), ScriptedProducer([noise(500, 9)])
    await hear(cache, first, address())
    await until_nothing_grows(cache)
    async with cache.open_without_address(second.production(address())) as growing:
        cache.give_address(growing, address())
        await read_all(growing)
    await until_nothing_grows(cache)
    _, kept = await hear(cache, ScriptedProducer(PARTS), address())
    assert same_sound(kept, wav_of(PARTS))
