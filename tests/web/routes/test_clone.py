"""A clip is uploaded and a character comes back, or a status that says why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from realtime.services import build
from realtime.settings import CorsSettings, Settings
from realtime.web.app import create_app
from tests.cloning.test_pair_choice import bring
from tests.support import gpt_sovits_voices, valle_files
from tests.support.documented_client import DocumentedClient
from tests.support.voice_like_sound import pcm, voice
from tests.web.routes.test_process import wav

TEXT = "Good morning, this is how I speak."


def clip(seconds: float) -> bytes:
    return wav(pcm(np.resize(voice(1.5), round(24_000 * seconds))))


CLIP = clip(4.0)


@pytest.fixture(scope="module")
def client(
    web_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    own = valle_files.settings_in(tmp_path_factory.mktemp("making"))
    valle_files.write_encodec(own)
    settings = replace(web_settings, models=own.models, presets=own.presets)
    with DocumentedClient(create_app(build(settings))) as client:
        yield client


def ask(client: TestClient, sound: bytes = CLIP, **fields: str) -> Any:
    data = {"text": TEXT, **fields}
    return client.post("/api/characters", files={"audio": ("clip.wav", sound)}, data=data)


def test_the_new_character_comes_back_and_is_listed(client: TestClient) -> None:
    answer = ask(client, name="Kai")
    assert answer.status_code == 201
    found = answer.json()
    assert (found["name"], found["engine"], found["language"]) == ("Kai", "valle", "en")
    assert found in client.get("/api/characters").json()["characters"]


def test_engines_that_speak_no_clips_are_told(client: TestClient) -> None:
    for fields, code in (
        ({"engine": "kokoro"}, "unknown_engine"),
        ({"model": "nana"}, "bad_request"),
        ({"engine": "gpt_sovits"}, "weights_missing"),
    ):
        answer = ask(client, name="Ida", **fields)
        assert answer.status_code == (503 if code == "weights_missing" else 400)
        assert answer.json()["error"]["code"] == code


def test_a_character_of_gpt_sovits_comes_back(web_settings: Settings, tmp_path: Path) -> None:
    own = gpt_sovits_voices.settings_in(tmp_path)
    bring(own, "nana/nana-e15.ckpt", "nana/nana_e8.pth", "kyo/kyo.ckpt", "kyo/kyo.pth")
    settings = replace(web_settings, models=own.models, presets=own.presets)
    with DocumentedClient(create_app(build(settings))) as client:
        said = {"engine": "gpt_sovits", "text": "今日はいい天気ですね。"}
        several = ask(client, name="Nana", **said)
        assert (several.status_code, several.json()["error"]["code"]) == (400, "unknown_model")
        assert "kyo, nana-e15+nana_e8" in several.json()["error"]["message"]
        outside = ask(client, name="Nana", gpt="../kyo.ckpt", sovits="kyo/kyo.pth", **said)
        assert (outside.status_code, outside.json()["error"]["code"]) == (400, "unknown_model")
        long = ask(client, clip(10.5), name="Nana", model="kyo", **said)
        assert (long.status_code, long.json()["error"]["code"]) == (413, "audio_too_long")
        answer = ask(client, name="Nana", gpt="kyo/kyo.ckpt", sovits="kyo/kyo.pth", **said)
        assert answer.status_code == 201, answer.text
        found = answer.json()
        assert (found["name"], found["engine"], found["language"]) == ("Nana", "gpt_sovits", "ja")
        assert found in client.get("/api/characters").json()["characters"]
        assert ask(client, name="nana", model="kyo", **said).status_code == 409


def test_a_name_that_is_there_is_a_409(client: TestClient) -> None:
    assert ask(client, name="Lee").status_code == 201
    again = ask(client, name="lee")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "character_exists")


@pytest.mark.parametrize(
    ("fields", "sound", "status", "code"),
    [
        ({}, CLIP, 400, "bad_request"),
        ({"name": "a/b"}, CLIP, 400, "bad_character_name"),
        ({"name": "Ida", "language": "fr"}, CLIP, 400, "unknown_language"),
        ({"name": "Ida", "voice": "x"}, CLIP, 400, "unknown_field"),
        ({"name": "Ida"}, clip(2.0), 400, "audio_too_short"),
        ({"name": "Ida"}, clip(15.5), 413, "audio_too_long"),
        ({"name": "Ida"}, wav(0 * pcm(voice(4.0))), 400, "no_speech"),
        ({"name": "Ida"}, b"nothing", 400, "unsupported_format"),
    ],
)
def test_what_cannot_be_made_is_told(
    client: TestClient, fields: dict[str, str], sound: bytes, status: int, code: str
) -> None:
    answer = ask(client, sound, **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert client.get("/api/characters").json()["characters"] == [
        one for one in client.get("/api/characters").json()["characters"] if one["name"] != "Ida"
    ]


def test_a_page_from_elsewhere_may_not(client: TestClient, web_settings: Settings) -> None:
    def sent(client: TestClient, origin: str) -> Any:
        files = {"audio": ("clip.wav", clip(1.0))}
        return client.post(
            "/api/characters", files=files, data={"name": "Ida"}, headers={"Origin": origin}
        )

    refused = sent(client, "https://elsewhere.example")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
    for origins in (("https://game.example",), ("*",)):
        settings = replace(web_settings, cors=CorsSettings(origins=origins))
        with DocumentedClient(create_app(build(settings))) as open_client:
            answer = sent(open_client, "https://game.example")
            assert answer.json()["error"]["code"] in ("audio_too_short", "weights_missing")
    assert sent(client, "http://testserver").json()["error"]["code"] == "audio_too_short"


def test_without_a_file_there_is_no_audio(client: TestClient) -> None:
    answer = client.post("/api/characters", data={"name": "Ida"}, files={"x": ("", b"")})
    assert answer.status_code == 400
    wrong = client.post("/api/characters", json={"name": "Ida"})
    assert wrong.status_code == 415


def test_without_weights_it_is_a_503_that_says_how_to_get_them(
    web_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = valle_files.settings_in(tmp_path_factory.mktemp("nothing"))
    settings = replace(web_settings, models=own.models, presets=own.presets)
    with DocumentedClient(create_app(build(settings))) as client:
        answer = ask(client, name="Kai")
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (503, "weights_missing")
    assert "encodec_24khz-d7cc33bc.th" in told["message"] and "Retry-After" not in answer.headers
