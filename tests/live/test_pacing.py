"""Tests of pacing: sound leaves no faster than it is played."""

from __future__ import annotations

import asyncio
import struct

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.live.framing import frames_of
from realtime.live.pacing import AHEAD_SECONDS, Pacer
from realtime.live.send_queue import SendQueue
from tests.support.fake_timer import FakeTimer, let_tasks_run

pytestmark = pytest.mark.anyio

RATE = 24000


def pacer_of(paced: bool, real_time: bool = False) -> tuple[Pacer, SendQueue, FakeTimer]:
    send_queue, timer = SendQueue(most_bytes=1 << 30), FakeTimer()
    send_queue.open(1)
    pacer = Pacer(send_queue, 1, RATE, timer, paced=paced, real_time=real_time)
    return pacer, send_queue, timer


async def send(pacer: Pacer, pcm: Pcm) -> None:
    await pacer.send(frames_of(pcm, RATE))


async def test_two_seconds_leave_at_once_and_the_rest_as_it_is_played() -> None:
    pacer, _, timer = pacer_of(paced=True)
    sending = asyncio.create_task(send(pacer, np.ones(5 * RATE, np.int16)))
    await let_tasks_run()
    for _ in range(6):
        ahead = pacer.seconds - (timer.now() - 1000.0)
        assert AHEAD_SECONDS - 0.06 <= ahead <= AHEAD_SECONDS + 1e-6
        await timer.advance(0.5)
    await timer.advance(1.0)
    assert sending.done() and pacer.seconds == 5.0


async def test_without_a_pace_everything_leaves() -> None:
    pacer, send_queue, _ = pacer_of(paced=False)
    await send(pacer, np.ones(5 * RATE, np.int16))
    assert pacer.samples == 5 * RATE
    frames = 84  # of 60 ms
    assert send_queue.bytes == 2 * 5 * RATE + 4 * frames


async def test_after_a_silence_of_the_writer_it_is_two_seconds_again() -> None:
    pacer, _, timer = pacer_of(paced=True)
    await send(pacer, np.ones(RATE, np.int16))
    await timer.advance(30.0)
    sending = asyncio.create_task(send(pacer, np.ones(5 * RATE, np.int16)))
    await let_tasks_run()
    assert pacer.seconds <= 1.0 + AHEAD_SECONDS
    assert pacer.due() == pytest.approx(timer.now() + pacer.seconds - 1.0)
    sending.cancel()


async def test_the_first_audible_frame_is_noted() -> None:
    pacer, _, timer = pacer_of(paced=True)
    await send(pacer, np.zeros(RATE, np.int16))
    assert pacer.audible_at is None
    await timer.advance(3.0)
    await send(pacer, np.full(RATE, 400, np.int16))
    assert pacer.audible_at == timer.now()


async def test_sound_of_a_line_is_due_when_it_is_played_and_of_a_microphone_at_once() -> None:
    for real_time, dues in ((False, [1000.0, 1000.06]), (True, [1000.0, 1000.0])):
        pacer, send_queue, _ = pacer_of(paced=False, real_time=real_time)
        await send(pacer, np.ones(round(0.12 * RATE), np.int16))
        messages = [await send_queue.take() for _ in dues]
        assert [message.due for message in messages if message] == pytest.approx(dues)
        assert pacer.due() == pytest.approx(1000.0 if real_time else 1000.12)


async def test_dropped_sound_ends_what_is_being_sent() -> None:
    pacer, send_queue, timer = pacer_of(paced=True)
    sending = asyncio.create_task(send(pacer, np.ones(5 * RATE, np.int16)))
    await let_tasks_run()
    pacer.drop()
    assert not send_queue.bytes
    await timer.advance(0.1)
    assert sending.done() and not send_queue.bytes
    await send(pacer, np.full(480, 7, np.int16))
    message = await send_queue.take()
    assert message is not None and message.due == timer.now(), "nothing is left to be played"
    assert message.data == struct.pack("<I", 1) + struct.pack("<h", 7) * 480
