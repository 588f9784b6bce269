"""Work that ends when it is done, when it breaks, or when nobody wants it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from realtime.cache.disk import PartFile
from realtime.cache.growing import GrowingRecording
from realtime.cache.production import close_when_unread, unless_abandoned
from realtime.errors import Busy

pytestmark = pytest.mark.anyio


async def test_work_is_done_or_breaks() -> None:
    async def work(error: Exception | None) -> None:
        if error:
            raise error

    await unless_abandoned(work(None), GrowingRecording())
    with pytest.raises(ZeroDivisionError):
        await unless_abandoned(work(ZeroDivisionError()), GrowingRecording())


async def test_work_ends_when_the_last_listener_leaves() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    growing = GrowingRecording()
    working = asyncio.create_task(unless_abandoned(work(), growing))
    await asyncio.sleep(0)
    with growing.listening():
        await asyncio.sleep(0)
    with pytest.raises(Busy) as left:
        await working
    assert left.value.code == "abandoned"
    assert ended.is_set()


async def test_a_part_is_closed_when_nobody_reads_it(tmp_path: Path) -> None:
    growing, part = GrowingRecording(), PartFile(tmp_path / "a.part")
    part.write(b"abc")
    with growing.listening():
        closing = asyncio.create_task(close_when_unread(growing, part))
        await asyncio.sleep(0.01)
        assert part.read(0, 3) == b"abc"
    await closing
    with pytest.raises(OSError, match="closed"):
        part.read(0, 3)
