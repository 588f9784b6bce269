"""Addresses that are handed out."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from realtime.web.links import link
from tests.cache.made import address


@pytest.mark.parametrize(
    ("suffix", "ending"),
    [(".wav", ".wav"), (".16000.ogg", ".ogg?rate=16000"), (".json", ".json")],
)
def test_a_rate_stands_in_the_query(suffix: str, ending: str) -> None:
    found = link("http://a", address("é x", "Y'shtola"), suffix)
    assert found.startswith("http://a/audio/en/Y%27shtola/short/%C3%A9%20x-")
    assert found.endswith(ending)


@pytest.mark.parametrize(
    ("host", "base"),
    [("voice.example:81", "http://voice.example:81/"), ("[::1]:8000", "http://[::1]:8000/")],
)
def test_they_begin_with_what_the_client_called_us(
    client: TestClient, host: str, base: str
) -> None:
    answer = client.post("/lines", json={"text": "a", "engine": "tone"}, headers={"Host": host})
    assert answer.json()["url"].startswith(base)
