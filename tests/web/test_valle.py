"""A character of VALL-E X by HTTP: with weights it speaks, without them the error says why."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from realtime.acceleration.accelerate import MAKERS
from realtime.settings import AccelerationSettings, Settings
from realtime.web.app import create_app
from tests.support import small_valle
from tests.support.documented_client import DocumentedClient
from tests.support.server import scripted_services
from tests.support.small_networks import AlteredBackend, altered

LINE = {"textPrompt": "Hello there, you.", "character": small_valle.NAME, "language": "en"}


@pytest.fixture
def valle_settings(web_settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "presets").mkdir()
    return small_valle.settings_for(web_settings, tmp_path)


@pytest.fixture
def client(valle_settings: Settings) -> Iterator[TestClient]:
    small_valle.write_voice(valle_settings.presets.path)
    with DocumentedClient(create_app(scripted_services(valle_settings))) as client:
        yield client


def test_a_prompt_s_character_speaks_at_an_address(
    client: TestClient, valle_settings: Settings
) -> None:
    small_valle.write_files(valle_settings)
    body = client.post("/generate", json=LINE).json()
    assert (body["code"], body["error"]) == (200, None)
    audio = client.get(body["audioURL"])
    with wave.open(io.BytesIO(audio.content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24_000, 1, 2)
        assert sound.getnframes() > 1_000
    sidecar = client.get(body["audioURL"].replace(".wav", ".json")).json()
    version = sidecar["engine"]["version"]
    assert version.startswith("2 cpu fp32 eager model=") and sidecar["engine"]["name"] == "valle"
    assert f"-{sidecar['key']}.wav" in body["audioURL"]
    words = [word["text"] for word in sidecar["words"]]
    assert " ".join(words) == LINE["textPrompt"]


def test_speaking_afresh_gives_the_same_bytes(client: TestClient, valle_settings: Settings) -> None:
    small_valle.write_files(valle_settings)
    request = {
        "model": "valle",
        "input": "Once more.",
        "voice": small_valle.NAME,
        "response_format": "wav",
    }
    first, second = (
        client.post("/v1/audio/speech", json=request, headers={"Cache-Control": "no-store"})
        for _ in range(2)
    )
    assert first.status_code == 200, first.text
    assert first.headers["x-cache"] == second.headers["x-cache"] == "miss"
    assert len(first.content) > 2_000 and first.content == second.content


def test_with_acceleration_off_its_steps_run_eager_and_nothing_is_compiled(
    valle_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[AlteredBackend] = []
    monkeypatch.setitem(MAKERS, "compile", altered(compiled))
    small_valle.write_files(valle_settings)
    off = replace(
        valle_settings,
        valle=replace(valle_settings.valle, plan="compile"),
        acceleration=AccelerationSettings(enabled=False),
    )
    with DocumentedClient(create_app(scripted_services(off))) as client:
        assert client.get(client.post("/generate", json=LINE).json()["audioURL"]).content
        networks = client.get("/api/acceleration").json()["networks"]
    assert [each["plan"] for each in networks] == ["compile"] * 3
    assert all(each["mode"] == "eager" and set(each["hits"]) == {"eager"} for each in networks)
    assert not compiled


def test_missing_weights_are_named(client: TestClient, valle_settings: Settings) -> None:
    body = client.post("/generate", json=LINE)
    assert body.status_code == 503 and body.json()["code"] == 503
    assert "vallex-checkpoint.pt" in body.json()["error"]
    request = {"model": "valle", "input": "Hello.", "voice": small_valle.NAME}
    answer = client.post("/v1/audio/speech", json=request)
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "weights_missing"
    assert "Retry-After" not in answer.headers
    path = valle_settings.models.path / "valle" / "vallex-checkpoint.pt"
    assert str(path) in answer.json()["error"]["message"]
