"""What waits is bounded: the early wait, the others lose the oldest."""

from __future__ import annotations

import asyncio

import pytest

from realtime.conversion.by_words.bounded_queue import BoundedQueue

pytestmark = pytest.mark.anyio


async def test_first_come_first_taken_until_the_end() -> None:
    waiting: BoundedQueue[int] = BoundedQueue(4, lambda: False)
    assert [await waiting.put(number) for number in range(3)] == [None] * 3
    waiting.end()
    assert [await waiting.take() for _ in range(4)] == [0, 1, 2, None]


async def test_who_is_on_time_loses_the_oldest() -> None:
    waiting: BoundedQueue[int] = BoundedQueue(2, lambda: False)
    assert [await waiting.put(number) for number in range(4)] == [None, None, 0, 1]
    assert [await waiting.take(), await waiting.take()] == [2, 3]


async def test_who_is_early_waits_for_room() -> None:
    waiting: BoundedQueue[int] = BoundedQueue(1, lambda: True)
    await waiting.put(0)
    putting = asyncio.create_task(waiting.put(1))
    await asyncio.wait((putting,), timeout=0.6)
    assert not putting.done()
    assert await waiting.take() == 0
    assert await putting is None
    assert await waiting.take() == 1


async def test_a_reader_waits_for_a_writer() -> None:
    waiting: BoundedQueue[int] = BoundedQueue(1, lambda: False)
    taking = asyncio.create_task(waiting.take())
    await asyncio.sleep(0)
    assert not taking.done()
    await waiting.put(7)
    assert await taking == 7


async def test_what_is_cleared_makes_room() -> None:
    waiting: BoundedQueue[int] = BoundedQueue(1, lambda: True)
    await waiting.put(0)
    putting = asyncio.create_task(waiting.put(1))
    await asyncio.sleep(0)
    waiting.clear()
    assert await putting is None
    assert await waiting.take() == 1
