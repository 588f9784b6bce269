"""What is told goes before sound, and neither piles up."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.conversion.by_words.output_queue import MOST_SOUNDS, MOST_TOLD, OutputQueue

pytestmark = pytest.mark.anyio


def piece(value: int) -> Pcm:
    return np.full(3, value, np.int16)


async def test_what_is_told_goes_before_sound() -> None:
    outlet: OutputQueue[str] = OutputQueue()
    await outlet.sound(piece(1))
    await outlet.tell("said")
    outlet.end()
    assert await outlet.take() == "said"
    assert np.array_equal(np.asarray(await outlet.take()), piece(1))
    assert await outlet.take() is None


async def test_who_takes_nothing_holds_up_who_gives() -> None:
    outlet: OutputQueue[str] = OutputQueue()
    for number in range(MOST_SOUNDS):
        await outlet.sound(piece(number))
    for number in range(MOST_TOLD):
        await outlet.tell(str(number))
    waiting = [asyncio.create_task(outlet.sound(piece(9))), asyncio.create_task(outlet.tell("x"))]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    taken = [await outlet.take() for _ in range(MOST_TOLD + MOST_SOUNDS)]
    assert len(taken) == MOST_TOLD + MOST_SOUNDS
    await asyncio.gather(*waiting)


async def test_hush_leaves_out_sound_alone() -> None:
    outlet: OutputQueue[str] = OutputQueue()
    await outlet.sound(piece(1))
    await outlet.tell("said")
    outlet.hush()
    outlet.end()
    assert [await outlet.take(), await outlet.take()] == ["said", None]


async def test_an_error_comes_when_the_rest_is_taken() -> None:
    outlet: OutputQueue[str] = OutputQueue()
    await outlet.tell("said")
    outlet.end(ValueError("broken"))
    outlet.end()
    assert await outlet.take() == "said"
    with pytest.raises(ValueError, match="broken"):
        await outlet.take()
