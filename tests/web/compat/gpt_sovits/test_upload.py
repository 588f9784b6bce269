"""An uploaded clip becomes a voice where an engine can make one, and a clear refusal elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.services import build
from realtime.settings import Settings
from realtime.web.app import create_app
from tests.cloning.test_pair_choice import bring
from tests.support import gpt_sovits_voices, valle_files
from tests.support.documented_client import DocumentedClient
from tests.web.routes.test_clone import CLIP, TEXT, clip

QUERY = {"voice_name": "Nana", "gender": "female", "description": "A guard.", "language": "en"}


@pytest.fixture
def uploading(web_settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    own = valle_files.settings_in(tmp_path)
    valle_files.write_encodec(own)
    settings = replace(web_settings, models=own.models, presets=own.presets)
    with DocumentedClient(create_app(build(settings))) as client:
        yield client


def upload(client: TestClient, sound: bytes = CLIP, text: Any = TEXT, **query: str) -> Any:
    files: dict[str, Any] = {"audio_file": ("clip.wav", sound)}
    if text is not None:
        files["text_file"] = ("clip.txt", text.encode() if isinstance(text, str) else text)
    return client.post("/upload_voice", params={**QUERY, **query}, files=files)


def voices(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/voices").json()["voices"]
    return found


def test_a_clip_becomes_a_voice_with_a_card(uploading: TestClient) -> None:
    answer = upload(uploading)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "message": "success",
        "voice_name": "Nana",
        "audio_file": "Nana.wav",
        "text_file": "Nana.txt",
        "cache_loaded": True,
    }
    made = voices(uploading)["Nana"]
    assert (made["gender"], made["description"], made["language"]) == ("female", "A guard.", "en")
    again = upload(uploading)
    assert again.status_code == 400 and again.json()["message"] == "upload voice failed"
    assert "already" in again.json()["Exception"]
    assert uploading.delete("/voice/Nana").status_code == 200
    assert not voices(uploading)


def test_where_weights_are_it_is_a_voice_of_gpt_sovits(
    web_settings: Settings, tmp_path: Path
) -> None:
    own = gpt_sovits_voices.settings_in(tmp_path)
    bring(own, "nana/nana-e15.ckpt", "nana/nana_e8.pth")
    settings = replace(web_settings, models=own.models, presets=own.presets)
    with DocumentedClient(create_app(build(settings))) as client:
        assert upload(client, clip(10.5)).status_code == 400
        answer = upload(client)
        assert answer.status_code == 200
        assert answer.json()["cache_loaded"] is False, "its weights are none"
        made = voices(client)["Nana"]
        assert (made["gender"], made["description"]) == ("female", "A guard.")
        assert (made["audio_files"], made["text_files"]) == (["Nana.wav"], ["Nana.txt"])
        assert client.delete("/voice/Nana").status_code == 200
        assert not list(own.presets.path.iterdir())


def test_fields_may_be_in_the_form_and_the_text_a_field(uploading: TestClient) -> None:
    data = {"voice_name": "Kai", "text_file": TEXT}
    answer = uploading.post("/upload_voice", data=data, files={"audio_file": ("a.wav", CLIP)})
    assert answer.status_code == 200
    assert voices(uploading)["Kai"]["gender"] == "unknown"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"voice_name": ""}, "cannot be a character's name"),
        ({"voice_name": "../Nana"}, "cannot be a character's name"),
        ({"gender": "robot"}, "gender"),
        ({"description": "x" * 3_000}, "description"),
        ({"language": "ko"}, "ko"),
        ({"text": "word " * 1_000}, "characters"),
        ({"text": b"\xff\xfe\xfa"}, "UTF-8"),
        ({"sound": clip(2.0)}, "too short"),
        ({"sound": clip(15.5)}, "longer than"),
        ({"sound": b"nothing"}, "format"),
    ],
)
def test_what_cannot_be_a_voice_is_told(
    uploading: TestClient, sent: dict[str, Any], words: str
) -> None:
    answer = upload(uploading, **sent)
    assert answer.status_code == 400 and answer.json()["message"] == "upload voice failed"
    assert words in answer.json()["Exception"]
    assert not voices(uploading), "no file is left"


def test_without_a_clip_or_from_elsewhere_nothing_is_made(uploading: TestClient) -> None:
    answer = uploading.post("/upload_voice", params=QUERY, files={"text_file": ("a", b"b")})
    assert answer.status_code == 400 and "No audio" in answer.json()["Exception"]
    answer = uploading.post("/upload_voice", params=QUERY, data={"audio_file": "text"})
    assert answer.status_code == 400
    foreign = {"Origin": "http://evil.example"}
    files = {"audio_file": ("a.wav", CLIP)}
    assert uploading.post("/upload_voice", files=files, headers=foreign).status_code == 403


def test_without_weights_the_reason_is_told(bot: TestClient) -> None:
    answer = upload(bot, voice_name="Ida")
    assert answer.status_code == 400 and answer.json()["message"] == "upload voice failed"
    assert "needs encodec" in answer.json()["Exception"]
