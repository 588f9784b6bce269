"""A lane runs everything on one thread, the most urgent turn first, and frees itself at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar

import pytest

from realtime.engines.contract import CancelToken
from realtime.errors import Busy
from realtime.models.lanes import WHEN_IDLE, Lane

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    lane = Lane("test", most_jobs=4)
    yield lane
    await asyncio.to_thread(lane.close)


async def collected(lane: Lane, items: list[str], deadline: float, log: list[str]) -> None:
    def start(cancel: CancelToken) -> Iterator[str]:
        for item in items:
            log.append(item)
            yield item

    async with aclosing(lane.stream(start, lambda: deadline)) as stream:
        async for _ in stream:
            pass


async def test_everything_runs_on_the_lanes_own_thread(lane: Lane) -> None:
    threads = set()

    def start(cancel: CancelToken) -> Iterator[int]:
        try:
            threads.add(threading.get_ident())
            yield 1
        finally:
            threads.add(threading.get_ident())

    async with aclosing(lane.stream(start, lambda: 0.0)) as stream:
        async for _ in stream:
            break
    threads.add(await lane.call(threading.get_ident))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_who_becomes_pressing_while_it_waits_goes_ahead(lane: Lane) -> None:
    gate, log = threading.Event(), list[str]()
    blocking = asyncio.create_task(lane.call(gate.wait))
    due = {"prefetched": WHEN_IDLE, "listened": 5.0}

    async def heard(name: str) -> None:
        def start(cancel: CancelToken) -> Iterator[str]:
            log.append(name)
            yield name

        async with aclosing(lane.stream(start, lambda: due[name])) as stream:
            async for _ in stream:
                break

    tasks = [asyncio.create_task(heard(name)) for name in due]
    await asyncio.sleep(0.01)
    due["prefetched"] = 1.0  # somebody begins to listen
    gate.set()
    await asyncio.gather(blocking, *tasks)
    assert log == ["prefetched", "listened"]


async def test_the_earliest_deadline_goes_first(lane: Lane) -> None:
    gate, log = threading.Event(), list[str]()
    blocking = asyncio.create_task(lane.call(gate.wait))
    await asyncio.sleep(0)
    tasks = [
        asyncio.create_task(collected(lane, [name], deadline, log))
        for name, deadline in (("later", 9.0), ("idle", WHEN_IDLE), ("now", 1.0))
    ]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(blocking, *tasks)
    assert log == ["now", "later", "idle"]


async def test_streams_take_turns_a_chunk_at_a_time(lane: Lane) -> None:
    gate, log = threading.Event(), list[str]()
    blocking = asyncio.create_task(lane.call(gate.wait))
    await asyncio.sleep(0)
    tasks = [
        asyncio.create_task(collected(lane, [f"{name}{n}" for n in range(3)], 0.0, log))
        for name in "ab"
    ]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(blocking, *tasks)
    assert sorted(log[:2]) == ["a0", "b0"]
    assert log[-1][1] == "2"


async def test_leaving_early_closes_the_iterator(lane: Lane) -> None:
    closed = threading.Event()

    def start(cancel: CancelToken) -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    async with aclosing(lane.stream(start, lambda: 0.0)) as stream:
        async for _ in stream:
            break
    assert await asyncio.to_thread(closed.wait, 5)
    assert lane.jobs == 0


async def test_cancelling_interrupts_a_turn_that_is_under_way(lane: Lane) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def start(cancel: CancelToken) -> Iterator[int]:
        begun.set()
        cancel.interrupt_with(stopped.set)
        assert stopped.wait(5)
        cancel.check()
        yield 1

    async def listen() -> None:
        async with aclosing(lane.stream(start, lambda: 0.0)) as stream:
            async for _ in stream:
                pass

    listener = asyncio.create_task(listen())
    await asyncio.to_thread(begun.wait, 5)
    listener.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listener
    assert await lane.call(stopped.is_set)


async def test_who_has_left_knows_that_the_lane_is_free(lane: Lane) -> None:
    closed, gate = threading.Event(), threading.Event()

    def start(cancel: CancelToken) -> Iterator[int]:
        try:
            yield 1
            gate.wait(5)
            yield 2
        finally:
            closed.set()

    stream = lane.stream(start, lambda: 0.0)
    assert await anext(stream) == 1
    blocking = asyncio.create_task(lane.call(gate.wait))
    await asyncio.sleep(0.01)
    leaving = asyncio.create_task(stream.aclose())
    await asyncio.sleep(0.01)
    assert not leaving.done() and not lane.jobs
    gate.set()
    await asyncio.gather(leaving, blocking)
    assert closed.is_set()


async def test_what_never_began_or_has_ended_is_not_closed(lane: Lane) -> None:
    gate = threading.Event()
    blocking = asyncio.create_task(lane.call(gate.wait))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(anext(lane.stream(lambda cancel: iter([1]), lambda: 0.0)))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait((waiting,), timeout=5)
    assert waiting.cancelled() and not gate.is_set()
    gate.set()
    await blocking


async def test_an_error_reaches_its_asker_and_the_lane_goes_on(lane: Lane) -> None:
    def start(cancel: CancelToken) -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with aclosing(lane.stream(start, lambda: 0.0)) as stream:
            async for _ in stream:
                pass
    assert await lane.call(lambda: 7) == 7


async def test_more_jobs_than_allowed_are_refused(lane: Lane) -> None:
    streams = [lane.stream(lambda cancel: iter([1, 2]), lambda: 0.0) for _ in range(5)]
    for stream in streams[:4]:
        assert await anext(stream) == 1
    with pytest.raises(Busy) as refused:
        await anext(streams[4])
    assert refused.value.retry_after
    for stream in streams[:4]:
        await stream.aclose()
    assert [item async for item in lane.stream(lambda cancel: iter([3]), lambda: 0.0)] == [3]


async def test_a_closed_lane_refuses() -> None:
    lane = Lane("closing")
    await asyncio.to_thread(lane.close)
    with pytest.raises(Busy):
        await lane.call(lambda: 1)


async def test_each_turn_runs_inside_the_lanes_guard() -> None:
    inside: list[str] = []

    @contextmanager
    def guard() -> Iterator[None]:
        inside.append("in")
        yield
        inside.append("out")

    lane = Lane("guarded", guard=guard)
    assert await lane.call(lambda: list(inside)) == ["in"]
    assert [item async for item in lane.stream(lambda cancel: iter([1, 2]), lambda: 0.0)] == [1, 2]
    await asyncio.to_thread(lane.close)
    assert inside == ["in", "out"] * 4, "a call, two items, and the end of the items"


async def test_all_turns_of_a_stream_have_the_context_in_which_it_began(lane: Lane) -> None:
    name = ContextVar("name", default="")
    seen = list[str]()

    def start(cancel: CancelToken) -> Iterator[str]:
        try:
            while True:
                yield name.get()
        finally:
            seen.append(name.get())

    async def listen(own: str) -> None:
        name.set(own)
        async with aclosing(lane.stream(start, lambda: 0.0)) as stream:
            async for found in stream:
                name.set("another")
                seen.append(found)
                if len(seen) > 5:
                    break

    await asyncio.gather(*(asyncio.create_task(listen(own)) for own in ("one", "two")))
    assert set(seen) == {"one", "two"}
    name.set("mine")
    assert await lane.call(name.get) == "mine"
