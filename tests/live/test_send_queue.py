"""What waits to be sent: order, room, endings."""

from __future__ import annotations

import asyncio

import pytest

from realtime.live.send_queue import Outbox, Parcel
from tests.support.fake_timer import settled

pytestmark = pytest.mark.anyio


def filled(*streams: int, **bounds: int) -> Outbox:
    outbox = Outbox(**bounds)
    for stream in streams:
        outbox.open(stream)
    return outbox


async def taken(outbox: Outbox, count: int) -> list[object]:
    found = [await outbox.take() for _ in range(count)]
    return [parcel and parcel.data for parcel in found]


async def test_each_stream_keeps_its_order_and_the_due_go_first() -> None:
    outbox = filled(1, 2)
    for due, data in ((1.0, b"1a"), (3.0, b"1b"), (0.0, b"1c")):
        await outbox.put(1, data, due)
    await outbox.put(2, b"2a", 2.0)
    assert await taken(outbox, 4) == [b"1a", b"2a", b"1b", b"1c"]


async def test_news_goes_before_everything() -> None:
    outbox = filled(1)
    await outbox.put(1, b"a")
    await outbox.tell("pong")
    await outbox.tell("error")
    assert await taken(outbox, 3) == ["pong", "error", b"a"]


async def test_a_full_box_lets_wait_all_but_who_has_nothing_in_it() -> None:
    outbox = filled(1, 2, most_bytes=10)
    await outbox.put(1, b"0123456789", 0.0)
    waiting = asyncio.create_task(outbox.put(1, b"more", 1.0))
    await settled()
    assert not waiting.done() and outbox.bytes == 10
    await asyncio.wait_for(outbox.put(2, b"ab", 0.5), 1)
    assert await taken(outbox, 1) == [b"0123456789"]
    await asyncio.wait_for(waiting, 1)
    assert await taken(outbox, 2) == [b"ab", b"more"]
    assert outbox.bytes == 0


async def test_an_ending_drops_what_waits_and_nothing_follows_it() -> None:
    outbox = filled(1, most_bytes=4)
    await outbox.put(1, b"aaaa")
    waiting = asyncio.create_task(outbox.put(1, b"bbbb"))
    await settled()
    outbox.end(1, "cancelled", drop=True)
    await asyncio.wait_for(waiting, 1)
    await outbox.put(1, b"cccc")
    assert await outbox.take() == Parcel("cancelled", 1, last=True)
    await outbox.put(1, b"dddd")
    outbox.end(1, "again")
    outbox.close()
    assert await outbox.take() is None


async def test_an_ending_may_be_replaced_while_it_waits() -> None:
    outbox = filled(1)
    await outbox.put(1, b"a")
    outbox.end(1, "done")
    outbox.end(1, "cancelled", drop=True)
    assert await taken(outbox, 1) == ["cancelled"]
    assert outbox.bytes == 0


async def test_news_is_bounded_too() -> None:
    outbox = filled(most_news=4)
    await outbox.tell("1234")
    waiting = asyncio.create_task(outbox.tell("5"))
    await settled()
    assert not waiting.done()
    assert await taken(outbox, 2) == ["1234", "5"]
    await waiting


async def test_a_closed_box_has_its_news_and_an_end() -> None:
    outbox = filled(1, most_bytes=1, most_news=1)
    await outbox.put(1, b"a")
    writers = [asyncio.create_task(outbox.put(1, b"b")), asyncio.create_task(outbox.tell("late"))]
    await outbox.tell("why")
    await settled()
    outbox.close()
    assert await taken(outbox, 2) == ["why", None]
    await asyncio.wait_for(asyncio.gather(*writers), 1)
    assert await outbox.take() is None


async def test_a_finishing_box_is_emptied_first() -> None:
    outbox = filled(1)
    await outbox.put(1, b"a")
    outbox.end(1, "done")
    outbox.finish()
    assert await taken(outbox, 3) == [b"a", "done", None]


async def test_sound_that_waits_can_be_dropped_without_its_messages() -> None:
    outbox = Outbox()
    outbox.open(1)
    await outbox.put(1, "started")
    await outbox.put(1, b"sound")
    await outbox.put(1, "notice")
    outbox.drop(1)
    outbox.drop(2)
    outbox.end(1, "done")
    assert outbox.bytes == len("startednoticedone")
    parcels = [await outbox.take() for _ in range(3)]
    assert [parcel.data for parcel in parcels if parcel] == ["started", "notice", "done"]
