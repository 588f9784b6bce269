"""Bytes that grow: each reader from byte 0, at its own pace, with the same end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.cache.disk import PartFile
from realtime.cache.growing import GrowingRecording
from realtime.errors import SynthesisFailed
from tests.support.examples import examples

pytestmark = pytest.mark.anyio


async def heard(growing: GrowingRecording) -> bytes:
    with growing.listening():
        return b"".join([data async for data in growing.chunks()])


async def test_every_reader_gets_every_byte_whenever_it_comes() -> None:
    growing = GrowingRecording(finish_alone=True)
    early = asyncio.create_task(heard(growing))
    parts = [bytes([n]) * (n + 1) for n in range(50)]
    for place, part in enumerate(parts):
        await growing.append(part)
        if place == 25:
            late = asyncio.create_task(heard(growing))
        await asyncio.sleep(0)
    growing.end()
    after = await heard(growing)
    assert await early == await late == after == b"".join(parts)


async def test_what_left_the_memory_is_read_from_the_disk(tmp_path: Path) -> None:
    growing = GrowingRecording(finish_alone=True, window=1000, write=500)
    growing.part = PartFile(tmp_path / "a.part")
    parts = [bytes([n]) * 300 for n in range(40)]
    for part in parts:
        await growing.append(part)
    growing.end()
    assert sum(map(len, growing._blocks)) <= 1000 + 500 + 300
    assert await heard(growing) == b"".join(parts)
    growing.part.close()


async def test_a_disk_that_takes_nothing_costs_no_listener_a_byte(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("no folder")
    growing = GrowingRecording(finish_alone=True, window=10, write=1)
    growing.part = PartFile(tmp_path / "folder" / "a.part")
    for number in range(20):
        await growing.append(bytes([number]) * 10)
    growing.end()
    assert growing.part.error is not None
    assert len(await heard(growing)) == 200


async def test_an_error_reaches_every_reader_after_what_was_there() -> None:
    growing = GrowingRecording(finish_alone=True)
    await growing.append(b"abc")
    readers = [asyncio.create_task(heard(growing)) for _ in range(3)]
    await asyncio.sleep(0)
    growing.fail(SynthesisFailed("It broke.", hint="Ask again."))
    found = await asyncio.gather(*readers, return_exceptions=True)
    assert [type(error) for error in found] == [SynthesisFailed] * 3
    assert len(set(map(id, found))) == 3
    assert not growing.joinable


async def test_nothing_is_made_ahead_of_the_furthest_listener() -> None:
    growing = GrowingRecording()
    await growing.append(b"abc")
    wanted = asyncio.create_task(growing.wait_until_wanted())
    await asyncio.sleep(0.01)
    assert not wanted.done()
    with growing.listening():
        assert await growing.read(0) == b"abc"
        await asyncio.wait_for(wanted, 1)


async def test_the_last_to_leave_ends_it_unless_it_is_finished_anyway() -> None:
    growing = GrowingRecording()
    leaving = asyncio.create_task(growing.wait_until_abandoned())
    with growing.listening():
        with growing.listening():
            pass
        await asyncio.sleep(0.01)
        assert not leaving.done()
        growing.finish_anyway()
    await asyncio.sleep(0.01)
    assert not leaving.done() and growing.joinable
    growing.finish_alone = False
    with growing.listening():
        pass
    await asyncio.wait_for(leaving, 1)
    assert not growing.joinable


@examples(30)
@given(st.lists(st.binary(min_size=1, max_size=50), max_size=20), st.integers(1, 60))
async def test_any_cutting_is_the_same_sequence(parts: list[bytes], window: int) -> None:
    growing = GrowingRecording(finish_alone=True, window=window)
    reading = asyncio.create_task(heard(growing))
    for part in parts:
        await growing.append(part)
    growing.end()
    assert await reading == b"".join(parts)
