"""A character out of a prompt, through the doors: with weights it speaks, without it says why."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from realtime.settings import Settings
from realtime.web.app import create_app
from tests.support import small_valle
from tests.support.server import scripted_services

LINE = {"textPrompt": "Hello there, you.", "character": small_valle.NAME, "language": "en"}


@pytest.fixture
def own(web_settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "presets").mkdir()
    return small_valle.own(web_settings, tmp_path)


@pytest.fixture
def client(own: Settings) -> Iterator[TestClient]:
    small_valle.voice(own.presets.path)
    with TestClient(create_app(scripted_services(own))) as client:
        yield client


def test_a_prompt_s_character_speaks_at_an_address(client: TestClient, own: Settings) -> None:
    small_valle.write(own)
    body = client.post("/generate", json=LINE).json()
    assert (body["code"], body["error"]) == (200, None)
    heard = client.get(body["audioURL"])
    with wave.open(io.BytesIO(heard.content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24_000, 1, 2)
        assert sound.getnframes() > 1_000
    sidecar = client.get(body["audioURL"].replace(".wav", ".json")).json()
    version = sidecar["engine"]["version"]
    assert version.startswith("2 cpu fp32 eager model=") and sidecar["engine"]["name"] == "valle"
    assert f"-{sidecar['key']}.wav" in body["audioURL"]
    said = [word["text"] for word in sidecar["words"]]
    assert " ".join(said) == LINE["textPrompt"]


def test_speaking_afresh_gives_the_same_bytes(client: TestClient, own: Settings) -> None:
    small_valle.write(own)
    asked = {
        "model": "valle",
        "input": "Once more.",
        "voice": small_valle.NAME,
        "response_format": "wav",
    }
    first, second = (
        client.post("/v1/audio/speech", json=asked, headers={"Cache-Control": "no-store"})
        for _ in range(2)
    )
    assert first.status_code == 200, first.text
    assert first.headers["x-cache"] == second.headers["x-cache"] == "miss"
    assert len(first.content) > 2_000 and first.content == second.content


def test_missing_weights_are_named(client: TestClient, own: Settings) -> None:
    body = client.post("/generate", json=LINE)
    assert body.status_code == 503 and body.json()["code"] == 503
    assert "vallex-checkpoint.pt" in body.json()["error"]
    asked = {"model": "valle", "input": "Hello.", "voice": small_valle.NAME}
    told = client.post("/v1/audio/speech", json=asked)
    assert told.status_code == 503 and told.json()["error"]["code"] == "weights_missing"
    assert "Retry-After" not in told.headers
    place = own.models.path / "valle" / "vallex-checkpoint.pt"
    assert str(place) in told.json()["error"]["message"]
