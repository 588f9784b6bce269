"""A body over its limit is refused however it comes, and however slowly."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from realtime.errors import TooSlow
from realtime.settings import LimitsSettings
from realtime.web.entry.body_limit import BodyLimit
from tests.support.server import JSON, LiveServer
from tests.web.conftest import BODY_BYTES


def test_an_announced_body_over_the_limit_is_not_read(client: TestClient) -> None:
    answer = client.post("/v1/audio/speech", content=b" " * (BODY_BYTES + 1), headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert str(BODY_BYTES) in answer.json()["error"]["message"]


def test_a_body_up_to_the_limit_is_read(client: TestClient) -> None:
    body = b'{"model": "tone", "input": "a"}'.ljust(BODY_BYTES)
    assert client.post("/v1/audio/speech", content=body, headers=JSON).status_code == 200


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5_000])
def test_a_length_beyond_all_numbers_is_too_large(client: TestClient, length: str) -> None:
    headers = {**JSON, "Content-Length": length}
    assert client.post("/v1/audio/speech", content=b"{}", headers=headers).status_code == 413


def pieces(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * 10_000


def test_a_chunked_body_is_counted_as_it_comes(live: LiveServer) -> None:
    connection = http.client.HTTPConnection(*live.address, timeout=10)
    body = pieces(2 * BODY_BYTES // 10_000)
    connection.request("POST", "/v1/audio/speech", body, JSON, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"too_large" in answer.read()
    connection.close()


def test_a_large_announced_body_still_gets_its_answer(live: LiveServer) -> None:
    connection = http.client.HTTPConnection(*live.address, timeout=10)
    connection.request("POST", "/v1/audio/speech", b" " * 3_000_000, JSON)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.anyio
async def test_a_body_that_does_not_come_in_time_is_refused() -> None:
    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def trickle() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Message) -> None:
        raise AssertionError("nothing was to be answered here")

    limited = BodyLimit(reads, replace(LimitsSettings(), body_seconds=0.05))
    scope = {"type": "http", "headers": [], "path": "/"}
    with pytest.raises(TooSlow, match="0.05 s"):
        await limited(scope, trickle, send)


@pytest.mark.anyio
async def test_what_comes_after_the_body_may_take_its_time() -> None:
    waited = asyncio.Event()

    async def listens(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(0.35)
        assert (await receive())["type"] == "http.disconnect"
        waited.set()

    messages = iter([{"type": "http.request", "body": b"{}"}, {"type": "http.disconnect"}])

    async def receive() -> Message:
        await asyncio.sleep(0)
        return next(messages)

    async def send(message: Message) -> None:
        raise AssertionError("nothing was to be answered here")

    limited = BodyLimit(listens, replace(LimitsSettings(), body_seconds=0.3))
    await limited({"type": "http", "headers": [], "path": "/"}, receive, send)
    assert waited.is_set()


@pytest.mark.anyio
async def test_so_many_uploads_at_once_and_no_more() -> None:
    inside, may_end = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        inside.set()
        await may_end.wait()

    limit = BodyLimit(app, LimitsSettings(uploads=1))
    scope = {"type": "http", "path": "/api/process", "method": "POST", "headers": []}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    first = asyncio.create_task(limit(scope, receive, send))
    await inside.wait()
    await limit(scope, receive, send)
    assert sent[0]["status"] == 503 and b"too_many_uploads" in sent[1]["body"]
    may_end.set()
    await first
    sent.clear()
    await limit(scope, receive, send)
    assert not sent
