"""Tests of work in threads: a cancelled caller waits for its thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from realtime.threads import run_in_thread


@pytest.mark.anyio
async def test_a_cancelled_caller_waits_for_its_thread() -> None:
    begun, release, ended = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        release.wait(10)
        ended.set()

    task = asyncio.create_task(run_in_thread(work))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
