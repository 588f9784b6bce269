"""A body over its limit is refused however it comes; so is a foreign name."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from realtime.settings import Settings
from realtime.web.app import create_app
from realtime.web.limits import host_of
from tests.web.conftest import BODY_BYTES, JSON, Live, assembled


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


def test_a_chunked_body_is_counted_as_it_comes(live: Live) -> None:
    connection = http.client.HTTPConnection(*live.address, timeout=10)
    body = pieces(2 * BODY_BYTES // 10_000)
    connection.request("POST", "/v1/audio/speech", body, JSON, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"too_large" in answer.read()
    connection.close()


def test_a_large_announced_body_still_gets_its_answer(live: Live) -> None:
    connection = http.client.HTTPConnection(*live.address, timeout=10)
    connection.request("POST", "/v1/audio/speech", b" " * 3_000_000, JSON)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.fixture(scope="module")
def named(web_settings: Settings) -> TestClient:
    settings = replace(web_settings, hosts=("voice.example", "::1"))
    return TestClient(create_app(assembled(settings)))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("voice.example", 200),
        ("VOICE.example:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 403),
        ("voice.example.evil.example", 403),
        ("[broken", 403),
        ("", 403),
    ],
)
def test_only_our_names_are_answered(named: TestClient, host: str, status: int) -> None:
    answer = named.get("/health", headers={"Host": host})
    assert answer.status_code == status
    assert "X-Request-ID" in answer.headers


def test_without_names_any_will_do(client: TestClient) -> None:
    assert client.get("/health", headers={"Host": "any.example"}).status_code == 200


def test_a_host_is_its_name_alone() -> None:
    scope = {"type": "http", "headers": [(b"host", b"Voice.Example:80")]}
    assert host_of(scope) == "voice.example"
    assert host_of({"type": "http", "headers": []}) is None
