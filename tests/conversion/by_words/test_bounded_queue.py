"""The bounded queue: an early sender waits, any other loses its oldest item."""

from __future__ import annotations

import asyncio

import pytest

from realtime.conversion.by_words.bounded_queue import BoundedQueue

pytestmark = pytest.mark.anyio


async def test_first_come_first_taken_until_the_end() -> None:
    queue: BoundedQueue[int] = BoundedQueue(4, lambda: False)
    assert [await queue.put(number) for number in range(3)] == [None] * 3
    queue.end()
    assert [await queue.take() for _ in range(4)] == [0, 1, 2, None]


async def test_a_sender_that_is_on_time_loses_the_oldest() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2, lambda: False)
    assert [await queue.put(number) for number in range(4)] == [None, None, 0, 1]
    assert [await queue.take(), await queue.take()] == [2, 3]


async def test_a_sender_that_is_early_waits_for_room() -> None:
    queue: BoundedQueue[int] = BoundedQueue(1, lambda: True)
    await queue.put(0)
    putting = asyncio.create_task(queue.put(1))
    await asyncio.wait((putting,), timeout=0.6)
    assert not putting.done()
    assert await queue.take() == 0
    assert await putting is None
    assert await queue.take() == 1


async def test_a_reader_waits_for_a_writer() -> None:
    queue: BoundedQueue[int] = BoundedQueue(1, lambda: False)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    assert not taking.done()
    await queue.put(7)
    assert await taking == 7


async def test_what_is_cleared_makes_room() -> None:
    queue: BoundedQueue[int] = BoundedQueue(1, lambda: True)
    await queue.put(0)
    putting = asyncio.create_task(queue.put(1))
    await asyncio.sleep(0)
    queue.clear()
    assert await putting is None
    assert await queue.take() == 1
