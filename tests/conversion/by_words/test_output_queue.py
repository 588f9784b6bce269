"""The output queue: events go before sound, and neither piles up."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.conversion.by_words.output_queue import MOST_EVENTS, MOST_SOUNDS, OutputQueue

pytestmark = pytest.mark.anyio


def piece(value: int) -> Pcm:
    return np.full(3, value, np.int16)


async def test_events_go_before_sound() -> None:
    queue: OutputQueue[str] = OutputQueue()
    await queue.put_sound(piece(1))
    await queue.put_event("said")
    queue.end()
    assert await queue.take() == "said"
    assert np.array_equal(np.asarray(await queue.take()), piece(1))
    assert await queue.take() is None


async def test_a_reader_that_takes_nothing_makes_writers_wait() -> None:
    queue: OutputQueue[str] = OutputQueue()
    for number in range(MOST_SOUNDS):
        await queue.put_sound(piece(number))
    for number in range(MOST_EVENTS):
        await queue.put_event(str(number))
    waiting = [
        asyncio.create_task(queue.put_sound(piece(9))),
        asyncio.create_task(queue.put_event("x")),
    ]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    taken = [await queue.take() for _ in range(MOST_EVENTS + MOST_SOUNDS)]
    assert len(taken) == MOST_EVENTS + MOST_SOUNDS
    await asyncio.gather(*waiting)


async def test_dropping_sound_keeps_events() -> None:
    queue: OutputQueue[str] = OutputQueue()
    await queue.put_sound(piece(1))
    await queue.put_event("said")
    queue.drop_sound()
    queue.end()
    assert [await queue.take(), await queue.take()] == ["said", None]


async def test_an_error_comes_when_the_rest_is_taken() -> None:
    queue: OutputQueue[str] = OutputQueue()
    await queue.put_event("said")
    queue.end(ValueError("broken"))
    queue.end()
    assert await queue.take() == "said"
    with pytest.raises(ValueError, match="broken"):
        await queue.take()
