"""Tests of the send queue: order, room, endings."""

from __future__ import annotations

import asyncio

import pytest

from realtime.live.send_queue import QueuedMessage, SendQueue
from tests.support.fake_timer import let_tasks_run

pytestmark = pytest.mark.anyio


def queue_with(*streams: int, **bounds: int) -> SendQueue:
    send_queue = SendQueue(**bounds)
    for stream in streams:
        send_queue.open(stream)
    return send_queue


async def taken(send_queue: SendQueue, count: int) -> list[object]:
    found = [await send_queue.take() for _ in range(count)]
    return [message and message.data for message in found]


async def test_each_stream_keeps_its_order_and_the_due_go_first() -> None:
    send_queue = queue_with(1, 2)
    for due, data in ((1.0, b"1a"), (3.0, b"1b"), (0.0, b"1c")):
        await send_queue.put(1, data, due)
    await send_queue.put(2, b"2a", 2.0)
    assert await taken(send_queue, 4) == [b"1a", b"2a", b"1b", b"1c"]


async def test_urgent_messages_go_before_all() -> None:
    send_queue = queue_with(1)
    await send_queue.put(1, b"a")
    await send_queue.put_urgent("pong")
    await send_queue.put_urgent("error")
    assert await taken(send_queue, 3) == ["pong", "error", b"a"]


async def test_a_full_queue_makes_all_wait_but_empty_streams() -> None:
    send_queue = queue_with(1, 2, most_bytes=10)
    await send_queue.put(1, b"0123456789", 0.0)
    waiting = asyncio.create_task(send_queue.put(1, b"more", 1.0))
    await let_tasks_run()
    assert not waiting.done() and send_queue.bytes == 10
    await asyncio.wait_for(send_queue.put(2, b"ab", 0.5), 1)
    assert await taken(send_queue, 1) == [b"0123456789"]
    await asyncio.wait_for(waiting, 1)
    assert await taken(send_queue, 2) == [b"ab", b"more"]
    assert send_queue.bytes == 0


async def test_an_ending_drops_what_waits_and_nothing_follows_it() -> None:
    send_queue = queue_with(1, most_bytes=4)
    await send_queue.put(1, b"aaaa")
    waiting = asyncio.create_task(send_queue.put(1, b"bbbb"))
    await let_tasks_run()
    send_queue.end(1, "cancelled", drop=True)
    await asyncio.wait_for(waiting, 1)
    await send_queue.put(1, b"cccc")
    assert await send_queue.take() == QueuedMessage("cancelled", 1, last=True)
    await send_queue.put(1, b"dddd")
    send_queue.end(1, "again")
    send_queue.close()
    assert await send_queue.take() is None


async def test_an_ending_may_be_replaced_while_it_waits() -> None:
    send_queue = queue_with(1)
    await send_queue.put(1, b"a")
    send_queue.end(1, "done")
    send_queue.end(1, "cancelled", drop=True)
    assert await taken(send_queue, 1) == ["cancelled"]
    assert send_queue.bytes == 0


async def test_urgent_messages_are_bounded_too() -> None:
    send_queue = queue_with(most_urgent=4)
    await send_queue.put_urgent("1234")
    waiting = asyncio.create_task(send_queue.put_urgent("5"))
    await let_tasks_run()
    assert not waiting.done()
    assert await taken(send_queue, 2) == ["1234", "5"]
    await waiting


async def test_a_closed_queue_gives_its_urgent_messages_and_an_end() -> None:
    send_queue = queue_with(1, most_bytes=1, most_urgent=1)
    await send_queue.put(1, b"a")
    writers = [
        asyncio.create_task(send_queue.put(1, b"b")),
        asyncio.create_task(send_queue.put_urgent("late")),
    ]
    await send_queue.put_urgent("why")
    await let_tasks_run()
    send_queue.close()
    assert await taken(send_queue, 2) == ["why", None]
    await asyncio.wait_for(asyncio.gather(*writers), 1)
    assert await send_queue.take() is None


async def test_a_finishing_queue_is_emptied_first() -> None:
    send_queue = queue_with(1)
    await send_queue.put(1, b"a")
    send_queue.end(1, "done")
    send_queue.finish()
    assert await taken(send_queue, 3) == [b"a", "done", None]


async def test_sound_that_waits_can_be_dropped_without_its_messages() -> None:
    send_queue = SendQueue()
    send_queue.open(1)
    await send_queue.put(1, "started")
    await send_queue.put(1, b"sound")
    await send_queue.put(1, "notice")
    send_queue.drop(1)
    send_queue.drop(2)
    send_queue.end(1, "done")
    assert send_queue.bytes == len("startednoticedone")
    messages = [await send_queue.take() for _ in range(3)]
    assert [message.data for message in messages if message] == ["started", "notice", "done"]
