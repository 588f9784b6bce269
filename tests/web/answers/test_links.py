"""URLs of recordings, as clients get them."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from realtime.errors import BadRequest
from realtime.web.answers.links import Links
from tests.support.recordings import address


@pytest.mark.parametrize(
    ("suffix", "ending"),
    [(".wav", ".wav"), (".16000.ogg", ".ogg?rate=16000"), (".json", ".json")],
)
def test_a_rate_stands_in_the_query(client: TestClient, suffix: str, ending: str) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    found = Links(services, request_to("a")).url(address("é x", "Y'shtola"), suffix)
    assert found.startswith("http://a/audio/en/Y%27shtola/short/%C3%A9%20x-")
    assert found.endswith(ending)


def request_to(host: str) -> HTTPConnection:
    headers = [(b"host", host.encode())]
    return HTTPConnection({"type": "http", "scheme": "http", "path": "/", "headers": headers})


@pytest.mark.parametrize(
    ("host", "base"),
    [("voice.example:81", "http://voice.example:81/"), ("[::1]:8000", "http://[::1]:8000/")],
)
def test_they_begin_with_what_the_client_called_us(
    client: TestClient, host: str, base: str
) -> None:
    answer = client.post("/lines", json={"text": "a", "engine": "tone"}, headers={"Host": host})
    assert answer.json()["url"].startswith(base)


def test_a_name_that_is_none_makes_no_address(client: TestClient) -> None:
    with pytest.raises(BadRequest) as refused:
        Links(client.app.state.services, request_to("a b/c"))  # type: ignore[attr-defined]
    assert refused.value.code == "bad_host"
