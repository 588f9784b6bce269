"""Tests of the real clock."""

from __future__ import annotations

import asyncio
import time

import pytest

from realtime.timer import Timer

pytestmark = pytest.mark.anyio


async def test_time_passes_while_one_sleeps() -> None:
    timer = Timer()
    begun = timer.now()
    await timer.sleep(0.01)
    assert timer.now() - begun >= 0.009
    assert abs(timer.wall_ms() - 1000 * time.time()) < 5_000


async def test_what_comes_within_some_time_and_what_does_not() -> None:
    timer, event = Timer(), asyncio.Event()
    assert not await timer.wait_within(0.001, event)
    assert not await timer.wait_within(0.0, event)
    asyncio.get_running_loop().call_soon(event.set)
    assert await timer.wait_within(60.0, event)
