"""A change wakes every task that waits for it, and none that comes later."""

from __future__ import annotations

import asyncio

import pytest

from realtime.change_event import ChangeEvent

pytestmark = pytest.mark.anyio


async def test_a_change_wakes_all_who_wait() -> None:
    changed = ChangeEvent()
    waiting = [asyncio.create_task(changed.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    changed.announce()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)


async def test_who_waits_after_a_change_waits_for_the_next() -> None:
    changed = ChangeEvent()
    changed.announce()
    waiting = asyncio.create_task(changed.wait())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    changed.announce()
    await asyncio.wait_for(waiting, 1)
