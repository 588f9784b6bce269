"""Sound leaves as it is spoken, errors show, and a client that leaves stops its synthesis."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from realtime.access.quotas import Account
from realtime.settings import Settings
from realtime.web.answers import sending
from realtime.web.answers.speech import SpeechResponse
from realtime.web.requests.openai_speech import read_speech_request
from tests.support.polling import until
from tests.support.scripted_engines import CHUNK_SAMPLES
from tests.support.server import JSON, LiveServer, scripted_services
from tests.web.answers.test_sending import Receive, Send, receiving
from tests.web.answers.test_server_sent_events import read_events

CHUNK_BYTES = 2 * CHUNK_SAMPLES
WAYS: list[dict[str, Any]] = [{}, {"stream": False}, {"stream_format": "sse"}]
WAYS += [{"response_format": "mp3"}]


Request = Callable[..., http.client.HTTPConnection]
Answer = Callable[..., http.client.HTTPResponse]


def speech_body(model: str, **fields: Any) -> bytes:
    body = {"model": model, "input": "abc", "response_format": "pcm", **fields}
    return json.dumps(body).encode()


@pytest.fixture
def request_for(live: LiveServer) -> Iterator[Request]:
    """Sends a request and fake_time over its connection, which is closed at the end."""
    with ExitStack() as open_ones:

        def ask(model: str, **fields: Any) -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection(*live.address, timeout=10)
            open_ones.callback(connection.close)
            connection.request("POST", "/v1/audio/speech", speech_body(model, **fields), JSON)
            return connection

        yield ask


@pytest.fixture
def answer_to(request_for: Request) -> Iterator[Answer]:
    with ExitStack() as open_ones:
        yield lambda *args, **fields: open_ones.enter_context(
            request_for(*args, **fields).getresponse()
        )


def level(pcm: bytes) -> float:
    return float(np.frombuffer(pcm, "<i2").mean() / 32768)


def test_the_first_sound_leaves_before_the_second_is_spoken(
    live: LiveServer, answer_to: Answer
) -> None:
    answer = answer_to("gated")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert level(answer.read(CHUNK_BYTES)) == pytest.approx(0.25, abs=0.01)
    assert not live.gated.gate.is_set(), "the rest is not spoken yet"
    live.gated.gate.set()
    rest = answer.read()
    assert len(rest) == CHUNK_BYTES and level(rest) == pytest.approx(0.5, abs=0.01)


def test_events_leave_as_they_are_spoken(live: LiveServer, answer_to: Answer) -> None:
    answer = answer_to("gated", stream_format="sse")
    assert answer.headers["Content-Type"] == "text/event-stream"
    first = answer.readline()
    assert b"speech.audio.delta" in first
    assert not live.gated.gate.is_set()
    live.gated.gate.set()
    found = read_events(first + answer.read())
    assert [each["type"] for each in found[-2:]] == ["speech.audio.delta", "speech.audio.done"]


@pytest.mark.parametrize("way", WAYS)
def test_an_error_before_the_first_sound_has_its_status(
    live: LiveServer, answer_to: Answer, way: dict[str, Any]
) -> None:
    live.broken.chunks_before = 0
    answer = answer_to("broken", **way)
    error = json.loads(answer.read())["error"]
    assert answer.status == 500
    assert error["code"] == "synthesis_failed"
    assert "ZeroDivision" not in error["message"]


def test_an_error_later_breaks_the_body(answer_to: Answer) -> None:
    answer = answer_to("broken")
    assert answer.status == 200
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    assert len(caught.value.partial) == CHUNK_BYTES


def test_an_error_later_is_an_event_and_breaks_the_body(answer_to: Answer) -> None:
    answer = answer_to("broken", stream_format="sse")
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    last = read_events(caught.value.partial)[-1]
    assert last["type"] == "error"
    assert last["error"]["code"] == "synthesis_failed"


def test_a_whole_body_is_never_half(answer_to: Answer) -> None:
    answer = answer_to("broken", stream=False)
    assert answer.status == 500


@pytest.mark.parametrize("chunks_before", [0, 1])
@pytest.mark.parametrize("way", WAYS)
def test_who_goes_away_stops_the_synthesis(
    live: LiveServer, request_for: Request, way: dict[str, Any], chunks_before: int
) -> None:
    live.gated.reset(chunks_before)
    connection = request_for("gated", **way)
    assert live.gated.waiting.wait(10)
    assert not live.gated.ended.is_set()
    connection.close()
    assert live.gated.ended.wait(10), "the engine was not stopped"


def test_who_is_cut_off_stops_the_synthesis(live: LiveServer, request_for: Request) -> None:
    """A reset instead of a polite end, while sound is on its way."""
    connection = request_for("gated")
    assert live.gated.waiting.wait(10)
    linger_for_nothing = b"\x01\0\0\0\0\0\0\0"
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_nothing)
    connection.close()
    assert live.gated.ended.wait(10)


def test_after_somebody_left_the_next_is_served(
    live: LiveServer, answer_to: Answer, request_for: Request
) -> None:
    connection = request_for("gated")
    assert live.gated.waiting.wait(10)
    connection.close()
    assert live.gated.ended.wait(10)
    live.gated.reset()
    live.gated.gate.set()
    assert len(answer_to("gated").read()) == 2 * CHUNK_BYTES


def test_one_connection_asks_twice(request_for: Request) -> None:
    connection = request_for("tone")
    first = connection.getresponse().read()
    connection.request("POST", "/v1/audio/speech", speech_body("tone"), JSON)
    assert connection.getresponse().read() == first


def test_a_client_that_reads_nothing_is_cut_off_and_is_no_fault(
    live: LiveServer,
    request_for: Request,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sending, "STALL_SECONDS", 0.2)
    connection = request_for("tone", input="abc " * 1_200)  # 15 MB, more than sockets hold
    with caplog.at_level(logging.INFO, "realtime.web"):
        asyncio.run(until(lambda: "the client went away" in caplog.text))
    answer = connection.getresponse()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def answer_to_nobody(settings: Settings, receive: Receive, send: Send) -> None:
    """Answer as the route does, to a client that is made of two functions."""
    services = scripted_services(settings)
    found = read_speech_request({"input": "abc", "model": "tone"}, ("tone",), ())
    line = await services.speech.line(found.line_request)
    scope = {"type": "http", "path": "/", "headers": []}
    try:
        await SpeechResponse(services.speech, Account(), line, found)(scope, receive, send)
        # The recording's own task frees the engine: it may end a moment after the answer.
        await until(lambda: not any(state.leases for state in services.models.states()))
    finally:
        await services.close()


@pytest.mark.anyio
async def test_leaving_is_told_in_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    gone = asyncio.Event()
    gone.set()
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    with caplog.at_level(logging.INFO, "realtime.web"):
        await answer_to_nobody(settings, receiving(then=gone), send)
    assert "the client went away" in caplog.text
    assert not sent


@pytest.mark.anyio
async def test_who_reads_nothing_is_given_up(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "STALL_SECONDS", 0.0)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    with caplog.at_level(logging.INFO, "realtime.web"):
        await answer_to_nobody(settings, receiving(then=asyncio.Event()), send)
    assert "the client went away" in caplog.text
    assert all(message.get("more_body", True) for message in sent), "it never ends as if whole"
