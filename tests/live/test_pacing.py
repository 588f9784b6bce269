"""Sound leaves no faster than it is played."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from realtime.live.framing import Framer
from realtime.live.pacing import AHEAD_SECONDS, Pacer
from realtime.live.send_queue import SendQueue
from tests.support.fake_timer import FakeTimer, let_tasks_run

pytestmark = pytest.mark.anyio

RATE = 24000


def released() -> tuple[Pacer, SendQueue, FakeTimer]:
    send_queue, timer = SendQueue(most_bytes=1 << 30), FakeTimer()
    send_queue.open(1)
    return Pacer(send_queue, 1, Framer(RATE, RATE), timer), send_queue, timer


async def test_two_seconds_leave_at_once_and_the_rest_as_it_is_played() -> None:
    release, _, timer = released()
    going = asyncio.create_task(release.sound(np.ones(5 * RATE, np.int16), paced=True))
    await let_tasks_run()
    for _ in range(6):
        ahead = release.seconds - (timer.now() - 1000.0)
        assert AHEAD_SECONDS - 0.06 <= ahead <= AHEAD_SECONDS + 1e-6
        await timer.advance(0.5)
    await timer.advance(1.0)
    assert going.done() and release.seconds == 5.0


async def test_without_a_pace_everything_leaves() -> None:
    release, send_queue, _ = released()
    await release.sound(np.ones(5 * RATE, np.int16), paced=False)
    await release.finish(paced=False)
    assert release.samples == 5 * RATE
    assert send_queue.bytes == 2 * 5 * RATE + 4 * 125


async def test_after_a_silence_of_the_writer_it_is_two_seconds_again() -> None:
    release, _, timer = released()
    await release.sound(np.ones(RATE, np.int16), paced=True)
    await timer.advance(30.0)
    going = asyncio.create_task(release.sound(np.ones(5 * RATE, np.int16), paced=True))
    await let_tasks_run()
    assert release.seconds <= 1.0 + AHEAD_SECONDS
    assert release.due() == pytest.approx(timer.now() + release.seconds - 1.0)
    going.cancel()


async def test_the_first_audible_frame_is_noted() -> None:
    release, _, timer = released()
    await release.sound(np.zeros(RATE, np.int16), paced=True)
    assert release.heard_at is None
    await timer.advance(3.0)
    await release.sound(np.full(RATE, 400, np.int16), paced=True)
    assert release.heard_at == timer.now()
