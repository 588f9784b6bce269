"""Answers end when their client leaves or stops reading, and never as if they were whole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from realtime.errors import SynthesisFailed
from realtime.web.answers import sending
from realtime.web.answers.sending import (
    Answer,
    Stalled,
    answer_unless_gone,
    is_broken_off,
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


async def send_to_nobody(message: object) -> None:
    pass


def failing(begun: bool, error: Exception | None) -> Callable[[Send], Coroutine[Any, Any, None]]:
    """Return an answer that fails before its first byte or after it, or not at all."""

    async def answer(send: Send) -> None:
        if begun:
            await send({"type": "http.response.start"})
        if error is not None:
            raise error

    return answer


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, ""),
        (Stalled(), "the client went away"),
        (SynthesisFailed("It broke."), "an answer was broken off: It broke."),
    ],
)
async def test_only_an_answer_without_its_end_is_logged(
    error: Exception | None, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    scope: dict[str, Any] = {}
    client = receiving(then=asyncio.Event())
    with caplog.at_level(logging.INFO, "realtime.web"):
        await answer_unless_gone(failing(True, error), scope, client, send_to_nobody)
    assert is_broken_off(scope) == bool(told)
    assert [record.message for record in caplog.records] == ([told] if told else [])


@pytest.mark.parametrize(
    ("begun", "error"),
    [(False, SynthesisFailed("It broke.")), (False, KeyError()), (True, KeyError())],
)
async def test_an_error_before_the_first_byte_is_raised_and_a_fault_always(
    begun: bool, error: Exception
) -> None:
    scope: dict[str, Any] = {}
    with pytest.raises(type(error)):
        await answer_unless_gone(
            failing(begun, error), scope, receiving(then=asyncio.Event()), send_to_nobody
        )
    assert not is_broken_off(scope)


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
