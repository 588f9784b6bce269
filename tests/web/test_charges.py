"""Requests charge their key for text and for sound that was made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.settings import LimitsSettings, Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient
from tests.support.keyed_server import SECRET, FakeTime, keyed_services
from tests.support.server import wait_until_kept

BEARER = {"Authorization": f"Bearer bot:{SECRET}"}


TEXT = "abcdefghijklm"
SPEECH = {"model": "tone", "input": TEXT}
LINE = {"engine": "tone", "text": TEXT}


def keyed(settings: Settings, **limits: int) -> TestClient:
    services = keyed_services(replace(settings, limits=LimitsSettings(**limits)), FakeTime())
    return DocumentedClient(create_app(services))


def speech(text: str) -> dict[str, Any]:
    return {"model": "tone", "input": text, "response_format": "pcm"}


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v1/audio/speech", SPEECH, {}),
        ("/v1/audio/speech", SPEECH, {"Cache-Control": "no-store"}),
        ("/lines", LINE, {}),
        ("/prefetch", {"lines": [LINE]}, {}),
    ],
)
def test_sound_that_was_made_is_counted(
    settings: Settings, path: str, body: Any, headers: dict[str, str], tmp_path: Any
) -> None:
    settings = replace(settings, cache=replace(settings.cache, path=tmp_path))
    with keyed(settings, audio_seconds=1) as client:  # thirteen letters are 1.04 s
        assert client.post(path, json=body, headers={**BEARER, **headers}).status_code in (200, 202)
        for _ in range(100):
            wait_until_kept(client)
            again = client.post("/v1/audio/speech", json=speech("abc"), headers=BEARER)
            if again.status_code == 429:
                break
        assert again.status_code == 429
        assert "seconds of sound" in again.json()["error"]["message"]


def test_what_was_there_costs_no_sound(settings: Settings, tmp_path: Any) -> None:
    settings = replace(settings, cache=replace(settings.cache, path=tmp_path))
    with keyed(settings, audio_seconds=3) as client:
        for _ in range(10):
            answer = client.post("/v1/audio/speech", json=speech("abcdefghijklm"), headers=BEARER)
            assert answer.status_code == 200
            wait_until_kept(client)
