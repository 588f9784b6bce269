"""Voices of DDSP-SVC through every door: an upload, the command line, and a microphone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from realtime.audio.decoding import decode
from realtime.audio.wav import wav_file
from realtime.cli import convert
from realtime.cli.commands import parse_arguments
from realtime.settings import ModelsSettings, Settings
from realtime.timer import Timer
from realtime.web.app import create_app
from tests.support import ddsp_files as files
from tests.support.documented_client import DocumentedClient
from tests.support.server import scripted_services
from tests.support.session_client import session_client
from tests.support.uploads import recording, samples_of, upload
from tests.support.voice_like_sound import pcm, voice

RATE = 24_000
QUICK = {"pitch_method": "world", "steps": 1}
SOUND = pcm(voice(0.8, 140.0, RATE))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ddsp") / "models"
    files.settings_with_voices(folder, "6.1")
    return folder


@pytest.fixture(scope="module")
def own_settings(web_settings: Settings, models: Path) -> Settings:
    return replace(web_settings, models=ModelsSettings(path=models))


@pytest.fixture(scope="module")
def voices(own_settings: Settings) -> Iterator[TestClient]:
    with DocumentedClient(create_app(scripted_services(own_settings))) as client:
        yield client


class StoppedTimer(Timer):
    """A timer that stands still, so that no machine looks overloaded to the converter."""

    def now(self) -> float:
        return 1_000.0


def ask(client: TestClient, options: dict[str, Any] | None = None, **fields: str) -> Any:
    given = {"engine": "ddsp_svc", "model": "v6.1", **fields}
    given["options"] = json.dumps(QUICK | (options or {}))
    return upload(client, ("in.wav", recording(SOUND, RATE)), **given)


def sound_of(answer: Any) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return samples_of(answer.content).astype(float)


def assert_refused(answer: Any, status: int, code: str, told: str) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code) and told in error["message"]


def test_an_upload_comes_back_in_the_voice(voices: TestClient) -> None:
    found = sound_of(ask(voices))
    assert found.size == SOUND.size and np.abs(found).max() > 500
    assert np.array_equal(found, sound_of(ask(voices, engine="ddsp_svc:v6.1", model="")))
    for options in ({"speaker": 3}, {"speaker_mix": "1:0.5,2:0.5"}, {"t_start": 1.0}):
        assert np.abs(sound_of(ask(voices, options)) - found).max() > 50


@pytest.mark.parametrize("field", [{"breath": "0.5"}, {"effect": "robot"}])
def test_what_it_cannot_change_is_refused(voices: TestClient, field: dict[str, str]) -> None:
    told = f"ddsp_svc cannot change {next(iter(field))}"
    assert_refused(ask(voices, **field), 400, "bad_request", told)


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_other_rates_than_the_voice_s(voices: TestClient, rate: int) -> None:
    sound = pcm(voice(0.5, 140.0, rate))
    answer = upload(
        voices,
        ("in.wav", recording(sound, rate)),
        engine="ddsp_svc:v6.1",
        options=json.dumps(QUICK),
    )
    found = sound_of(answer)
    assert found.size == sound.size and np.abs(found).max() > 500


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"speaker": 9}, "no speaker 9: this voice has 1 to 3"),
        ({"speaker_mix": "__import__('os').mkdir('x')"}, "speaker_mix has the part"),
        ({"steps": 10_000}, "steps is 10000; expected is a whole number from 0 to 200"),
        ({"index_share": 0.5}, "ddsp_svc has no option 'index_share'"),
    ],
)
def test_options_that_a_voice_cannot_have(
    voices: TestClient, options: dict[str, Any], told: str
) -> None:
    assert_refused(ask(voices, options), 400, "bad_request", told)


def test_a_voice_that_is_not_there_is_named(voices: TestClient) -> None:
    assert_refused(ask(voices, model="nana"), 400, "unknown_model", "no model 'nana'")


class Exploit:
    """An object whose unpickling would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_malicious_voice_is_refused_and_nothing_is_left_loaded(
    voices: TestClient, models: Path
) -> None:
    path = files.write_ddsp_voice(models / "ddsp_svc" / "evil")
    torch.save({"model": files.ddsp_weights("6.1"), "own": Exploit(models / "executed")}, path)
    assert_refused(ask(voices, model="evil"), 503, "bad_weights", str(path))
    assert not (models / "executed").exists()
    listed = {each["id"]: each for each in voices.get("/api/models").json()["models"]}
    assert listed["ddsp_svc:evil"]["state"] != "loaded"


def test_an_older_voice_is_refused_with_what_to_do(voices: TestClient, models: Path) -> None:
    config = files.ddsp_config("6.0")
    config["model"]["type"] = "CombSubFast"
    files.write_ddsp_voice(models / "ddsp_svc" / "old", config=config)
    answer = ask(voices, model="old")
    assert_refused(answer, 503, "bad_weights", "'CombSubFast', a type from before 6.0")
    assert "Train it again with DDSP-SVC 6.0 to 6.3" in answer.json()["error"]["hint"]


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_command_line_converts_a_file(own_settings: Settings, tmp_path: Path) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    source.write_bytes(wav_file(SOUND, RATE))
    arguments = ["convert", str(source), str(out), "--engine", "ddsp_svc", "--model", "v6.1"]
    arguments += ["--option", "pitch_method=world", "--option", "speaker_mix=1:0.3,3:0.7"]
    await convert.convert(parse_arguments(arguments), own_settings)
    found, rate = decode(out.read_bytes())
    assert (rate, found.size) == (RATE, SOUND.size) and np.abs(found).max() > 500


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_microphone_is_converted(own_settings: Settings) -> None:
    services = scripted_services(own_settings)
    services.voice_changer.patience = 60.0  # this machine may be slow
    try:
        async with session_client(services, StoppedTimer()) as client:
            await client.send(
                "listen",
                id="mic",
                engine="ddsp_svc",
                model="v6.1",
                sample_rate=RATE,
                gate=-90,
                options=QUICK,
            )
            for at in range(0, SOUND.size, 960):
                await client.session.receive(SOUND[at : at + 960].tobytes())
            await client.send("listen.end", id="mic")
            await client.ended("mic")
            assert client.ending("mic")["type"] == "done", client.ending("mic")
            found = client.pcm("mic")
            assert found.size == SOUND.size and np.abs(found).max() > 500
    finally:
        await services.close()
