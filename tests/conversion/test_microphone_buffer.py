"""The buffer gives what came, holds only so much, and knows early senders from late ones."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.conversion.microphone_buffer import MOST_SECONDS, MicrophoneBuffer
from realtime.errors import BadRequest
from tests.support.fake_converters import ManualClock

pytestmark = pytest.mark.anyio

RATE = 8000


def counted(start: int, count: int) -> np.ndarray:
    return (np.arange(start, start + count) % 30_000).astype(np.int16)


@given(st.lists(st.integers(0, 700), max_size=12), st.integers(1, 500))
def test_what_is_taken_is_what_came(sizes: list[int], count: int) -> None:
    async def run() -> None:
        clock = ManualClock()
        buffer = MicrophoneBuffer(RATE, clock)
        came = counted(0, sum(sizes))
        for part in np.split(came, np.cumsum(sizes)[:-1] if sizes else []):
            await buffer.add(part)
        buffer.end()
        found = []
        while (part := await buffer.take(count)) is not None:
            found.append(part)
        assert all(part.size == count for part in found[:-1])
        assert np.array_equal(np.concatenate([came[:0], *found]), came)

    asyncio.run(run())


async def test_taking_waits_for_enough() -> None:
    buffer = MicrophoneBuffer(RATE, ManualClock())
    taking = asyncio.create_task(buffer.take(160))
    await buffer.add(counted(0, 100))
    await asyncio.sleep(0)
    assert not taking.done()
    await buffer.add(counted(100, 100))
    assert np.array_equal(await taking, counted(0, 160))
    assert buffer.waiting == 40


async def test_a_sender_that_is_faster_than_time_waits_and_loses_nothing() -> None:
    clock = ManualClock()
    buffer = MicrophoneBuffer(RATE, clock)
    came = counted(0, 10 * RATE)
    adding = asyncio.create_task(buffer.add(came))
    found = []
    for _ in range(50):
        found.append(await buffer.take(RATE // 5))
        assert buffer.waiting <= MOST_SECONDS * RATE
    await adding
    assert buffer.left_out == 0
    assert np.array_equal(np.concatenate(found), came)


async def test_what_was_on_time_and_not_taken_is_left_out_from_its_beginning() -> None:
    clock = ManualClock()
    buffer = MicrophoneBuffer(RATE, clock)
    for number in range(50):  # five seconds that nobody takes
        clock.now += 0.1
        await buffer.add(counted(number * 800, 800))
    assert buffer.waiting == MOST_SECONDS * RATE
    assert buffer.left_out == 3 * RATE
    taken = await buffer.take(800)
    assert np.array_equal(taken, counted(3 * RATE, 800))
    assert buffer.arrived == pytest.approx(1_000.0 + 3.1)


async def test_a_microphone_that_stalled_is_no_early_one() -> None:
    """Check that what is sent in one go after a stall counts as late and does not make it wait."""
    clock = ManualClock()
    buffer = MicrophoneBuffer(RATE, clock)
    await buffer.add(counted(0, 800))
    await buffer.take(800)
    clock.now += 60.0
    await asyncio.wait_for(buffer.add(counted(0, 60 * RATE)), 5)
    assert buffer.waiting <= MOST_SECONDS * RATE
    assert buffer.left_out == 58 * RATE


async def test_the_kept_samples_are_a_copy() -> None:
    buffer = MicrophoneBuffer(RATE, ManualClock())
    sent = counted(0, 100)
    await buffer.add(sent)
    sent[:] = 0
    assert np.array_equal(await buffer.take(100), counted(0, 100))


async def test_after_the_end_nothing_comes() -> None:
    buffer = MicrophoneBuffer(RATE, ManualClock())
    await buffer.add(counted(0, 100))
    buffer.end()
    assert np.array_equal(await buffer.take(160), counted(0, 100))
    assert await buffer.take(160) is None
    with pytest.raises(BadRequest):
        await buffer.add(counted(0, 1))


async def test_it_is_drained_when_the_taker_waits_for_more() -> None:
    buffer = MicrophoneBuffer(RATE, ManualClock())
    await buffer.add(counted(0, 100))
    assert not buffer.drained.is_set(), "nobody has asked yet"
    taking = asyncio.create_task(buffer.take(160))
    await asyncio.wait_for(buffer.drained.wait(), 5)
    await buffer.add(counted(0, 50))
    assert buffer.drained.is_set()
    await buffer.add(counted(0, 50))
    assert not buffer.drained.is_set()
    await taking


async def test_the_end_frees_a_sender_that_waits_for_room() -> None:
    buffer = MicrophoneBuffer(RATE, ManualClock())
    adding = asyncio.create_task(buffer.add(counted(0, 10 * RATE)))
    await asyncio.sleep(0)
    assert not adding.done()
    buffer.clear()
    await asyncio.wait_for(adding, 5)
    assert buffer.waiting <= MOST_SECONDS * RATE
