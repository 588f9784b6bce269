"""Every error has one status and one of two envelopes, and no client sees a stack trace."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from realtime import errors
from realtime.web.answers.error_body import Refusal
from realtime.web.answers.errors import EXCEPTION_HANDLERS, ErrorResponse, refusal_of

NATIVE = {"path": "/api/characters"}


def kinds(kind: type[errors.YamabikoError]) -> Iterator[type[errors.YamabikoError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.BadRequest, 400),
        (errors.NothingToSay, 400),
        (errors.TextTooLong, 400),
        (errors.NotFound, 404),
        (errors.TooLarge, 413),
        (errors.WrongContentType, 415),
        (errors.Busy, 503),
        (errors.Unavailable, 503),
        (errors.WeightsMissing, 503),
        (errors.SynthesisFailed, 500),
    ],
)
def test_a_class_has_its_status(kind: type[errors.YamabikoError], status: int) -> None:
    assert refusal_of(kind("It is so.")).status == status


def test_every_class_has_a_status() -> None:
    for kind in kinds(errors.YamabikoError):
        assert 400 <= refusal_of(kind("It is so.")).status <= 503


def test_who_may_come_again_is_told_when() -> None:
    assert refusal_of(errors.Busy("Full.")).headers == {"Retry-After": "1"}
    assert refusal_of(errors.Busy("Full.", retry_after=1.2)).headers == {"Retry-After": "2"}
    assert refusal_of(errors.Unavailable("No.", retry_after=10)).headers == {"Retry-After": "10"}
    assert refusal_of(errors.WeightsMissing("No file.")).headers == {}


def test_a_message_may_quote_what_no_encoding_has() -> None:
    body = ErrorResponse(NATIVE, Refusal(400, "bad", "It is '\ud800山'.")).body
    assert json.loads(body)["error"]["message"] == "It is '?山'."


async def fails(request: Request) -> Response:
    raise ZeroDivisionError("secret detail")


@pytest.mark.parametrize("path", ["/v1/fails", "/fails"])
def test_a_fault_of_ours_is_calm(path: str, caplog: pytest.LogCaptureFixture) -> None:
    app = Starlette(routes=[Route(path, fails)], exception_handlers=EXCEPTION_HANDLERS)
    with (
        caplog.at_level(logging.ERROR),
        TestClient(app, raise_server_exceptions=False) as client,
    ):
        answer = client.get(path, headers={"X-Request-ID": "one-7"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert answer.headers["X-Request-ID"] == "one-7"
    for secret in ("secret", "Traceback", "ZeroDivision"):
        assert secret not in answer.text
    assert "one-7" in answer.text
    assert "the request failed: ZeroDivisionError" in caplog.text


def test_unknown_doors_have_the_envelope_of_their_side(client: TestClient) -> None:
    native = client.get("/api/nothing")
    openai = client.get("/v1/nothing")
    assert native.status_code == openai.status_code == 404
    assert set(native.json()["error"]) == {"code", "message", "hint"}
    assert set(openai.json()["error"]) == {"message", "type", "param", "code"}
    wrong = client.get("/v1/audio/speech")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    assert wrong.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/characters", "GET, HEAD, POST"),
        ("/prefetch/0123456789abcdef", "DELETE, GET, HEAD"),
        ("/ws", "GET, HEAD"),
    ],
)
def test_another_method_is_told_all_that_the_path_answers(
    client: TestClient, path: str, allowed: str
) -> None:
    wrong = client.request("PATCH", path)
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, allowed)
