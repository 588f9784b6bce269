"""Each act has one ending, whatever happens in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from realtime.errors import BadRequest, Unavailable
from realtime.live.activity import Activity, ActivityContext, error_of, milliseconds
from realtime.live.messages import Cancelled
from realtime.live.protocol import encode
from realtime.live.send_queue import SendQueue
from realtime.services import build
from realtime.settings import Settings
from tests.support.session_client import stage_of

pytestmark = pytest.mark.anyio


class Scripted(Activity):
    failed = "It went wrong."

    def __init__(self, stage: ActivityContext, error: Exception | None) -> None:
        self.error, self.left = error, False
        super().__init__("a", 1, stage)

    async def _play(self) -> None:
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()

    async def _leave(self) -> None:
        self.left = True


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[ActivityContext]:
    services = build(settings)
    yield replace(stage_of(services), send_queue=SendQueue())
    await services.close()


async def ended(stage: ActivityContext) -> str:
    parcel = await stage.send_queue.take()
    assert parcel is not None and parcel.last and isinstance(parcel.data, str)
    return parcel.data


@pytest.mark.parametrize(
    "error, told",
    [(Unavailable("Not now."), "engine_unavailable"), (ValueError("a secret"), "It went wrong.")],
)
async def test_an_error_is_the_ending(stage: ActivityContext, error: Exception, told: str) -> None:
    act = Scripted(stage, error)
    await act.task
    ending = await ended(stage)
    assert told in ending and "secret" not in ending and '"id":"a"' in ending
    act.stop(Cancelled("a"))
    assert not stage.send_queue.bytes


async def test_who_is_stopped_ends_once_and_leaves(stage: ActivityContext) -> None:
    act = Scripted(stage, None)
    await asyncio.sleep(0)
    act.stop(Cancelled("a"))
    act.stop(Cancelled("a"))
    await asyncio.gather(act.task, return_exceptions=True)
    assert await ended(stage) == encode(Cancelled("a"))
    assert act.left and not stage.send_queue.bytes


def test_an_error_is_text_that_utf_8_has() -> None:
    assert "?" in encode(error_of(BadRequest("half \ud800"), None))
    assert milliseconds(-1.0) == 0.0 and milliseconds(0.0123456) == 12.35
