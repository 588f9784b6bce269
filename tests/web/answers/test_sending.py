"""Answers end when their client leaves or stops reading, and never as if they were whole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from realtime.web.answers import sending
from realtime.web.answers.sending import (
    Answer,
    Stalled,
    answer_unless_gone,
    run_unless_gone,
    send_part,
)

pytestmark = pytest.mark.anyio

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def receiving(*kinds: str, then: asyncio.Event) -> Receive:
    """Return a client that sends messages of these kinds, and leaves at an event."""
    coming = list(kinds)

    async def receive() -> dict[str, Any]:
        if coming:
            return {"type": coming.pop(0)}
        await then.wait()
        return {"type": "http.disconnect"}

    return receive


async def test_work_is_done_while_the_client_stays() -> None:
    done = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append(True)

    assert await run_unless_gone(work(), receiving("http.request", then=asyncio.Event()))
    assert done


async def test_work_ends_when_the_client_leaves() -> None:
    left, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            left.set()
            await asyncio.Event().wait()
        finally:
            stopped.set()

    assert not await run_unless_gone(work(), receiving("http.request", then=left))
    assert stopped.is_set()


@pytest.mark.parametrize("error, logged", [(None, False), (Stalled(), True)])
async def test_only_an_answer_without_its_end_is_logged(
    error: Exception | None, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        if error is not None:
            raise error

    with caplog.at_level(logging.INFO, "realtime.web"):
        await answer_unless_gone(work(), receiving(then=asyncio.Event()))
    assert ("the client went away" in caplog.text) == logged


async def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise KeyError("it")

    with pytest.raises(KeyError):
        await answer_unless_gone(work(), receiving(then=asyncio.Event()))


async def test_a_client_that_takes_nothing_has_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "STALL_SECONDS", 0.0)

    async def send(message: object) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stalled):
        await send_part(send, b"abc")
    await send_part(send, b"")


async def test_an_answer_is_a_head_parts_and_an_end() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    answer = Answer(send, {"X-Cache": "miss"})
    assert not answer.begun
    await answer.begin({"queue": 0.5, "total": 12.0}, length=3)
    await answer.send(b"abc")
    await answer.end()
    assert answer.begun
    assert sent[0]["headers"] == [
        (b"x-cache", b"miss"),
        (b"server-timing", b"queue;dur=0.5, total;dur=12"),
        (b"content-length", b"3"),
    ]
    assert [each.get("more_body") for each in sent[1:]] == [True, None]
