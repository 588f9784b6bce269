"""Events of models are kept, only so many, and a busy model does not push the others out."""

from __future__ import annotations

import asyncio

import pytest

from realtime.models.model_events import MOST_EVENTS, ModelEvents

pytestmark = pytest.mark.anyio


async def test_the_newest_come_first_and_the_oldest_go() -> None:
    events = ModelEvents(clock=lambda: 1.5)
    for number in range(MOST_EVENTS + 5):
        events.add("started", f"model {number}", "cpu")
    found = events.last()
    assert len(found) == MOST_EVENTS and events.count == MOST_EVENTS + 5
    assert (found[0].id, found[-1].id) == (f"model {MOST_EVENTS + 4}", "model 5")
    assert (found[0].time_ms, found[0].device, found[0].reason) == (1_500, "cpu", None)
    assert [event.id for event in events.last(1)] == [f"model {MOST_EVENTS + 4}"]


async def test_hits_in_a_row_are_one() -> None:
    events = ModelEvents()
    for id in ("a", "a", "b", "a", "a", "a"):
        events.add("hit", id, "cpu")
    assert [event.id for event in events.last()] == ["a", "b", "a"]


async def test_who_follows_them_is_woken() -> None:
    events = ModelEvents()
    waiting = asyncio.create_task(events.changed.wait())
    await asyncio.sleep(0)
    events.add("failed", "a", "cpu", "no file")
    await asyncio.wait_for(waiting, 5)
    assert events.last()[0].reason == "no file"
