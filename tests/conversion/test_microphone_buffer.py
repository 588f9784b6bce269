"""The intake gives what came, holds only so much, and tells the late from the early."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.conversion.microphone_buffer import MOST_SECONDS, MicrophoneBuffer
from realtime.errors import BadRequest

pytestmark = pytest.mark.anyio

RATE = 8000


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def counted(start: int, count: int) -> np.ndarray:
    return (np.arange(start, start + count) % 30_000).astype(np.int16)


@given(st.lists(st.integers(0, 700), max_size=12), st.integers(1, 500))
def test_what_is_taken_is_what_came(sizes: list[int], count: int) -> None:
    async def run() -> None:
        clock = Clock()
        intake = MicrophoneBuffer(RATE, clock)
        came = counted(0, sum(sizes))
        for part in np.split(came, np.cumsum(sizes)[:-1] if sizes else []):
            await intake.add(part)
        intake.end()
        found = []
        while (part := await intake.take(count)) is not None:
            found.append(part)
        assert all(part.size == count for part in found[:-1])
        assert np.array_equal(np.concatenate([came[:0], *found]), came)

    asyncio.run(run())


async def test_taking_waits_for_enough() -> None:
    intake = MicrophoneBuffer(RATE, Clock())
    taking = asyncio.create_task(intake.take(160))
    await intake.add(counted(0, 100))
    await asyncio.sleep(0)
    assert not taking.done()
    await intake.add(counted(100, 100))
    assert np.array_equal(await taking, counted(0, 160))
    assert intake.waiting == 40


async def test_who_sends_faster_than_time_waits_and_loses_nothing() -> None:
    clock = Clock()
    intake = MicrophoneBuffer(RATE, clock)
    came = counted(0, 10 * RATE)
    adding = asyncio.create_task(intake.add(came))
    found = []
    for _ in range(50):
        found.append(await intake.take(RATE // 5))
        assert intake.waiting <= MOST_SECONDS * RATE
    await adding
    assert intake.left_out == 0
    assert np.array_equal(np.concatenate(found), came)


async def test_what_was_on_time_and_not_taken_is_left_out_from_its_beginning() -> None:
    clock = Clock()
    intake = MicrophoneBuffer(RATE, clock)
    for number in range(50):  # five seconds that nobody takes
        clock.now += 0.1
        await intake.add(counted(number * 800, 800))
    assert intake.waiting == MOST_SECONDS * RATE
    assert intake.left_out == 3 * RATE
    taken = await intake.take(800)
    assert np.array_equal(taken, counted(3 * RATE, 800))
    assert intake.arrived == pytest.approx(50.0 + 3.1)


async def test_a_microphone_that_stalled_is_no_early_one() -> None:
    """What it sends afterwards in one go is late: it must not hold up who sends it."""
    clock = Clock()
    intake = MicrophoneBuffer(RATE, clock)
    await intake.add(counted(0, 800))
    await intake.take(800)
    clock.now += 60.0
    await asyncio.wait_for(intake.add(counted(0, 60 * RATE)), 5)
    assert intake.waiting <= MOST_SECONDS * RATE
    assert intake.left_out == 58 * RATE


async def test_the_kept_samples_are_a_copy() -> None:
    intake = MicrophoneBuffer(RATE, Clock())
    sent = counted(0, 100)
    await intake.add(sent)
    sent[:] = 0
    assert np.array_equal(await intake.take(100), counted(0, 100))


async def test_after_the_end_nothing_comes() -> None:
    intake = MicrophoneBuffer(RATE, Clock())
    await intake.add(counted(0, 100))
    intake.end()
    assert np.array_equal(await intake.take(160), counted(0, 100))
    assert await intake.take(160) is None
    with pytest.raises(BadRequest):
        await intake.add(counted(0, 1))


async def test_it_is_hungry_when_all_that_can_be_taken_is() -> None:
    intake = MicrophoneBuffer(RATE, Clock())
    await intake.add(counted(0, 100))
    assert not intake.hungry.is_set(), "nobody has asked yet"
    taking = asyncio.create_task(intake.take(160))
    await asyncio.wait_for(intake.hungry.wait(), 5)
    await intake.add(counted(0, 50))
    assert intake.hungry.is_set()
    await intake.add(counted(0, 50))
    assert not intake.hungry.is_set()
    await taking


async def test_the_end_frees_who_waits_for_room() -> None:
    intake = MicrophoneBuffer(RATE, Clock())
    adding = asyncio.create_task(intake.add(counted(0, 10 * RATE)))
    await asyncio.sleep(0)
    assert not adding.done()
    intake.clear()
    await asyncio.wait_for(adding, 5)
    assert intake.waiting <= MOST_SECONDS * RATE
