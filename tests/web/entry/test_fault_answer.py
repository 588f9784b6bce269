"""A fault is answered once, inside of the middleware that adds headers, and goes on to the log."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from realtime.web.entry.fault_answer import FaultAnswer

pytestmark = pytest.mark.anyio


async def sent_by(kind: str, *before: Message) -> list[Any]:
    """Return what is sent when an application sends some messages and then fails."""
    sent: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in before:
            await send(message)
        raise ZeroDivisionError("a fault of the server")

    async def receive() -> Message:
        raise AssertionError("a fault reads nothing more")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": kind, "path": "/lines", "headers": [(b"x-request-id", b"abc")]}
    with pytest.raises(ZeroDivisionError):
        await FaultAnswer(app)(scope, receive, send)
    return sent


async def test_a_fault_is_answered_and_raised() -> None:
    head, body = await sent_by("http")
    assert head["status"] == 500
    assert b"internal_error" in body["body"] and b"under abc" in body["body"]


async def test_a_fault_after_the_head_is_only_raised() -> None:
    head = {"type": "http.response.start", "status": 200, "headers": []}
    assert await sent_by("http", head) == [head]


async def test_a_socket_gets_no_answer_of_http() -> None:
    assert await sent_by("websocket") == []
