"""Tests of activities: each has one ending, whatever happens in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from realtime.errors import BadRequest, Unavailable
from realtime.live.activity import Activity, ActivityContext, error_message, milliseconds
from realtime.live.messages import Cancelled
from realtime.live.protocol import encode
from realtime.live.send_queue import SendQueue
from realtime.services import build
from realtime.settings import Settings
from tests.support.session_client import context_of

pytestmark = pytest.mark.anyio


class ScriptedActivity(Activity):
    """An activity that raises an error, or goes on until it is stopped."""

    failure = "It went wrong."

    def __init__(self, context: ActivityContext, error: Exception | None) -> None:
        self.error, self.waited = error, False
        super().__init__("a", 1, context)

    async def _perform(self) -> None:
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()

    async def _after_stop(self) -> None:
        self.waited = True


@pytest.fixture
async def context(settings: Settings) -> AsyncIterator[ActivityContext]:
    services = build(settings)
    yield replace(context_of(services), send_queue=SendQueue())
    await services.close()


async def ending_of(context: ActivityContext) -> str:
    message = await context.send_queue.take()
    assert message is not None and message.last and isinstance(message.data, str)
    return message.data


@pytest.mark.parametrize(
    "error, told",
    [(Unavailable("Not now."), "engine_unavailable"), (ValueError("a secret"), "It went wrong.")],
)
async def test_an_error_is_the_ending(
    context: ActivityContext, error: Exception, told: str
) -> None:
    activity = ScriptedActivity(context, error)
    await activity.task
    ending = await ending_of(context)
    assert told in ending and "secret" not in ending and '"id":"a"' in ending
    activity.stop(Cancelled("a"))
    assert not context.send_queue.bytes


async def test_a_stopped_activity_ends_once_and_waits_for_what_it_holds(
    context: ActivityContext,
) -> None:
    activity = ScriptedActivity(context, None)
    await asyncio.sleep(0)
    activity.stop(Cancelled("a"))
    activity.stop(Cancelled("a"))
    await asyncio.gather(activity.task, return_exceptions=True)
    assert await ending_of(context) == encode(Cancelled("a"))
    assert activity.waited and not context.send_queue.bytes


def test_an_error_is_text_that_utf_8_has() -> None:
    assert "?" in encode(error_message(BadRequest("half \ud800"), None))
    assert milliseconds(-1.0) == 0.0 and milliseconds(0.0123456) == 12.35
