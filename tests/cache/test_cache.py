"""Hit, join or miss; one producer; kept when whole, and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realtime.audio.wav import HEADER_BYTES
from realtime.cache import WAV, Address, Cache, FinishedRecording, GrowingRecording
from realtime.cache.recording import LEAD_SECONDS
from realtime.errors import Busy, SynthesisFailed
from realtime.settings import LimitsSettings
from tests.support.polling import until
from tests.support.recordings import (
    RATE,
    Player,
    address,
    cache_in,
    listened,
    pcm,
    same_sound,
    wav_of,
)

pytestmark = pytest.mark.anyio

PARTS = [pcm(500, seed) for seed in range(4)]


async def said(
    cache: Cache, player: Player, at: Address, finish: bool = False
) -> tuple[str, bytes]:
    async with cache.open(at, WAV, player.work(at), finish) as opened:
        return opened.result, await listened(opened.source)


async def settled(cache: Cache) -> None:
    await until(lambda: not cache.busy)


def names(folder: Path, pattern: str = "*") -> list[str]:
    """List the names of the files in a folder and below it."""
    return sorted(path.name for path in folder.rglob(pattern) if path.is_file())


async def test_many_at_once_are_one_synthesis(cache: Cache) -> None:
    player = Player(PARTS)
    found = await asyncio.gather(*(said(cache, player, address()) for _ in range(50)))
    await settled(cache)
    assert player.begun == 1
    assert sorted({result for result, _ in found}) == ["join", "miss"]
    assert all(same_sound(data, wav_of(PARTS)) for _, data in found)
    assert await said(cache, player, address()) == ("hit", wav_of(PARTS))
    assert player.begun == 1


async def test_it_is_still_there_after_a_restart(tmp_path: Path) -> None:
    for result in ("miss", "hit"):
        cache = cache_in(tmp_path)
        await cache.start()
        assert (await said(cache, Player(PARTS), address()))[0] == result
        await cache.close()


async def test_another_process_is_found_on_the_disk(tmp_path: Path, cache: Cache) -> None:
    other = cache_in(tmp_path)
    await said(other, Player(PARTS), address())
    await other.close()
    assert not len(cache.index)
    assert (await said(cache, Player(PARTS), address()))[0] == "hit"


async def test_the_last_listener_who_leaves_ends_it_and_nothing_is_kept(
    cache: Cache, tmp_path: Path
) -> None:
    player = Player([pcm(RATE)] * 9)
    async with cache.open(address(), WAV, player.work(address())) as opened:
        assert isinstance(opened.source, GrowingRecording)
        await opened.source.read(0)
    await settled(cache)
    assert player.stopped and player.given <= LEAD_SECONDS + 2
    assert names(tmp_path) == [".lock"]
    assert (await said(cache, Player(PARTS), address()))[0] == "miss"


async def test_one_of_two_listeners_may_leave(cache: Cache) -> None:
    player = Player(PARTS)
    async with AsyncExitStack() as stack:
        stays = await stack.enter_async_context(cache.open(address(), WAV, player.work(address())))
        async with cache.open(address(), WAV, player.work(address())):
            pass
        assert same_sound(await listened(stays.source), wav_of(PARTS))
    assert not player.stopped


async def test_what_is_asked_for_by_its_address_is_finished_alone(cache: Cache) -> None:
    player = Player(PARTS)
    async with cache.open(address(), WAV, player.work(address()), finish=True):
        pass
    await settled(cache)
    assert (await said(cache, player, address()))[0] == "hit"


async def test_who_comes_while_it_is_given_up_gets_a_whole_one(cache: Cache) -> None:
    for _ in range(20):
        async with cache.open(address(), WAV, Player(PARTS).work(address())):
            pass
        again = Player(PARTS)
        await asyncio.sleep(0)
        result, data = await said(cache, again, address())
        assert same_sound(data, wav_of(PARTS)), result
        await settled(cache)
        await cache.remove(address())


async def test_an_error_reaches_all_keeps_nothing_and_the_next_tries_afresh(
    cache: Cache, tmp_path: Path
) -> None:
    player = Player(PARTS, SynthesisFailed("It broke."))
    player.gate.clear()
    asking = [asyncio.create_task(said(cache, player, address(), finish=True)) for _ in range(5)]
    await until(lambda: (found := cache.growing(address().key)) and found.readers == 5)
    player.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(error, SynthesisFailed) for error in found)
    await settled(cache)
    assert player.begun == 1
    assert cache.failures[address().key][1].message == "It broke."
    assert not names(tmp_path, "*.part") and not names(tmp_path, "*.wav")
    assert (await said(cache, Player(PARTS), address()))[0] == "miss"
    assert address().key not in cache.failures


async def test_a_fault_of_ours_ends_one_recording_alone(cache: Cache) -> None:
    with pytest.raises(SynthesisFailed):
        await said(cache, Player(PARTS, ZeroDivisionError("oh")), address())


async def test_a_damaged_file_is_forgotten_and_spoken_anew(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, memory_bytes=0)
    await cache.start()
    await said(cache, Player(PARTS), address())
    await settled(cache)
    path = tmp_path / address().path(WAV)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    result, data = await said(cache, Player(PARTS), address())
    assert (result, data[HEADER_BYTES:]) == ("miss", wav_of(PARTS)[HEADER_BYTES:])
    await cache.close()


async def test_a_vanished_folder_is_a_miss_and_comes_back(tmp_path: Path) -> None:
    import shutil

    cache = cache_in(tmp_path / "cache", memory_bytes=0)
    await cache.start()
    await said(cache, Player(PARTS), address())
    await settled(cache)
    shutil.rmtree(tmp_path / "cache")
    assert (await said(cache, Player(PARTS), address()))[0] == "miss"
    await settled(cache)
    assert (await said(cache, Player(PARTS), address()))[0] == "hit"
    await cache.close()


async def test_a_cache_that_cannot_be_written_still_lets_everybody_hear(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    noticed: list[str] = []
    cache = cache_in(tmp_path / "file" / "cache")
    cache._noticed = noticed.append
    await cache.start()
    result, data = await said(cache, Player(PARTS), address())
    assert result == "miss" and same_sound(data, wav_of(PARTS))
    await settled(cache)
    assert noticed == ["not_kept"]
    await cache.close()


async def test_a_disk_that_fills_up_at_the_end_keeps_nothing_wrong(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("realtime.cache.disk.os.replace", full)
    result, data = await said(cache, Player(PARTS), address())
    assert result == "miss" and same_sound(data, wav_of(PARTS))
    await settled(cache)
    monkeypatch.undo()
    assert not names(tmp_path, "*.wav")
    assert (await said(cache, Player(PARTS), address()))[0] == "miss"


async def test_the_longest_unheard_goes_but_never_what_is_read(tmp_path: Path) -> None:
    size = len(wav_of(PARTS))
    cache = cache_in(tmp_path, max_bytes=2 * size + 10)
    await cache.start()
    for text in "ab":
        await said(cache, Player(PARTS), address(text))
    await settled(cache)
    async with cache.open(address("a"), WAV, Player(PARTS).work(address("a"))) as reading:
        for text in "cd":
            await said(cache, Player(PARTS), address(text))
            await settled(cache)
        assert isinstance(reading.source, FinishedRecording)
        assert await listened(reading.source) == wav_of(PARTS)
    assert {entry.address.slug for entry in cache.index} == {"a", "d"}
    assert {name[0] for name in names(tmp_path, "*.wav")} == {"a", "d"}
    await cache.close()


async def test_a_stop_keeps_what_is_whole_and_gives_up_the_rest(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    await cache.start()
    waits = Player(PARTS)
    waits.gate.clear()
    listening = asyncio.create_task(said(cache, waits, address("slow")))
    await said(cache, Player(PARTS), address("whole"))
    await cache.close()
    with pytest.raises(Busy):
        await listening
    with pytest.raises(Busy):
        await said(cache, Player(PARTS), address("late"))
    assert [name[:5] for name in names(tmp_path, "*.wav")] == ["whole"]
    assert not names(tmp_path, "*.part")


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
    assert names(tmp_path) == [".lock", "notes.txt"]
    await cache.close()


async def test_listeners_are_bounded_and_leave_nothing_behind(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, limits=LimitsSettings(listeners=2))
    await cache.start()
    player, other = Player(PARTS), address("other")
    work = player.work(address())
    async with cache.open(address(), WAV, work), cache.open(address(), WAV, work):
        with pytest.raises(Busy, match="2 listeners"):
            async with cache.open(other, WAV, player.work(other)):
                pass
        with pytest.raises(Busy):
            async with cache.listen(address(), WAV):
                pass
        assert cache.busy == 1
    async with cache.open(other, WAV, player.work(other)) as opened:
        assert opened.result == "miss"
    await cache.close()


async def test_what_gets_a_name_is_found_under_it_before_it_is_kept(cache: Cache) -> None:
    player = Player(PARTS)
    async with cache.nameless(player.work(address())) as growing:
        assert cache.growing(address().key) is None and cache.busy == 1
        heard = await listened(growing)
        assert not await growing.wait_until_settled()
    await settled(cache)
    assert not len(cache.index)
    assert same_sound(heard, wav_of(PARTS))


async def test_a_name_given_at_the_end_keeps_it(cache: Cache) -> None:
    player, at = Player(PARTS), address()
    work = player.work(at)

    async def produce(recording: Any) -> None:
        await work.produce(recording)
        cache.name(recording, at)

    async with cache.nameless(replace(work, produce=produce)) as growing:
        heard = await listened(growing)
        result, joined = await said(cache, Player(PARTS), at)
    assert result == "join" and same_sound(joined, heard)
    await settled(cache)
    result, kept = await said(cache, Player(PARTS), at)
    assert result == "hit" and same_sound(kept, heard)


async def test_a_name_that_is_taken_is_not_taken_twice(cache: Cache) -> None:
    first, second = Player(PARTS), Player([pcm(500, 9)])
    await said(cache, first, address())
    await settled(cache)
    async with cache.nameless(second.work(address())) as growing:
        cache.name(growing, address())
        await listened(growing)
    await settled(cache)
    _, kept = await said(cache, Player(PARTS), address())
    assert same_sound(kept, wav_of(PARTS))
