"""Errors at GPT-SoVITS' addresses: 400 and a message for all that its clients can cause."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from realtime.settings import LimitsSettings, Settings
from realtime.web.app import create_app
from realtime.web.compat.gpt_sovits.errors import (
    ADDRESSES,
    VOICE,
    gpt_sovits_error,
    gpt_sovits_status,
    is_gpt_sovits,
)
from realtime.web.compat.gpt_sovits.routes import ROUTES
from tests.support.documented_client import DocumentedClient
from tests.support.keyed_server import OTHER, FakeTime, keyed_services

LINE = {"text": "abc", "text_lang": "en", "ref_audio_path": "x", "prompt_lang": "en"}
LISTENING = {"Authorization": f"Bearer guest:{OTHER}"}


def test_every_route_has_its_place_in_the_table() -> None:
    paths = {route.path for route in ROUTES if isinstance(route, Route)}
    assert {path for path in paths if not VOICE.fullmatch(path)} == set(ADDRESSES)
    assert not is_gpt_sovits("/v1/audio/speech") and is_gpt_sovits("/voice/x/set")
    assert not is_gpt_sovits("/voice/x/y") and not is_gpt_sovits("/voice/")


def test_bodies_and_statuses() -> None:
    assert gpt_sovits_error("/tts", "why") == {"message": "tts failed", "Exception": "why"}
    assert gpt_sovits_error("/voices", "why") == {"message": "why"}
    assert [gpt_sovits_status(each) for each in (400, 404, 413, 429, 500, 503)] == [400] * 6
    assert [gpt_sovits_status(each) for each in (401, 403, 405)] == [401, 403, 405]


def test_a_body_that_is_too_large_is_told_in_their_words(bot: TestClient) -> None:
    answer = bot.post("/tts", json={**LINE, "text": "a" * 200_000})
    assert answer.status_code == 400
    assert answer.json()["message"] == "tts failed" and "limit" in answer.json()["Exception"]


def test_half_a_surrogate_can_be_quoted(bot: TestClient) -> None:
    answer = bot.post(
        "/tts", content=b'{"ref_audio_path": "x", "text": "a", "text_lang": "\\ud800"}'
    )
    assert answer.status_code == 400 and "text_lang" in answer.json()["message"]


@pytest.fixture
def keyed(own_settings: Settings) -> Iterator[TestClient]:
    own = replace(
        own_settings,
        keys=(f"guest:{OTHER}:listener",),
        limits=LimitsSettings(characters=10, requests=100),
    )
    with DocumentedClient(create_app(keyed_services(own, FakeTime()))) as client:
        yield client


def test_who_has_no_key_is_not_let_in(keyed: TestClient) -> None:
    answer = keyed.post("/tts", json=LINE)
    assert answer.status_code == 401 and "WWW-Authenticate" in answer.headers
    assert re.match("A key is needed", answer.json()["Exception"])


def test_a_quota_is_a_400_with_the_time_to_wait(keyed: TestClient) -> None:
    long = {**LINE, "text": "a" * 11}
    answer = keyed.post("/tts", json=long, headers=LISTENING)
    assert answer.status_code == 400 and answer.headers["Retry-After"] == "60"
    assert "characters" in answer.json()["Exception"]
