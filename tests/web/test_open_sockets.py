"""Sockets are counted, bounded, and end in peace."""

from __future__ import annotations

import asyncio

import pytest

from realtime.errors import Busy
from realtime.metrics import Metrics
from realtime.web import open_sockets as module
from realtime.web.open_sockets import OpenSockets

pytestmark = pytest.mark.anyio


class FakeSocket:
    """A socket that notes for how long it may drain."""

    def __init__(self) -> None:
        self.drained: float | None = None

    async def drain(self, seconds: float) -> None:
        self.drained = seconds


async def test_there_may_be_so_many() -> None:
    metrics = Metrics()
    sockets = OpenSockets(2, metrics)
    with sockets.holding(FakeSocket()), sockets.holding(FakeSocket()):
        assert b"yamabiko_sockets 2.0" in metrics.prometheus_text()
        with pytest.raises(Busy) as full:
            sockets.check_room()
        assert full.value.code == "too_many_sockets"
    sockets.check_room()
    assert b"yamabiko_sockets 0.0" in metrics.prometheus_text()


async def test_everybody_is_told_and_waited_for() -> None:
    sockets, fake = OpenSockets(2, Metrics()), FakeSocket()
    left = asyncio.Event()

    async def conversation() -> None:
        with sockets.holding(fake):
            await left.wait()

    going = asyncio.create_task(conversation())
    await asyncio.sleep(0)
    draining = asyncio.create_task(sockets.drain(3.0))
    await asyncio.sleep(0.01)
    assert fake.drained == 3.0 and not draining.done()
    with pytest.raises(Busy, match="stopping"):
        sockets.check_room()
    left.set()
    await asyncio.gather(going, draining)


async def test_who_never_leaves_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.01)
    sockets = OpenSockets(2, Metrics())
    with sockets.holding(FakeSocket()):
        await sockets.drain(0.0)


async def test_without_anybody_there_is_nothing_to_wait_for() -> None:
    await OpenSockets(2, Metrics()).drain(60.0)
