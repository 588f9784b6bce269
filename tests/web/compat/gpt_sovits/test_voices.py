"""Voices are the characters: listed, chosen by their clips, and removed where one was uploaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.settings import CacheSettings, PresetsSettings, Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient, services_of, state_of
from tests.web.compat.gpt_sovits.conftest import tones, write_trained_voice


@pytest.fixture
def voices(own_settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """Return a client of a server with a folder of characters of its own."""
    presets = tmp_path / "presets"
    presets.mkdir()
    for name in ("af_heart.npz", "af_heart.yaml"):
        (presets / name).write_bytes((own_settings.presets.path / name).read_bytes())
    write_trained_voice(presets)
    settings = replace(
        own_settings,
        presets=PresetsSettings(path=presets),
        cache=CacheSettings(path=tmp_path / "cache"),
        default_characters=dict.fromkeys(("en", "zh", "ja", "mix"), "af_heart"),
    )
    with DocumentedClient(create_app(tones(settings))) as client:
        yield client


def folder(client: TestClient) -> Path:
    path: Path = services_of(client).settings.presets.path
    return path


def test_voices_are_the_characters(voices: TestClient) -> None:
    found = voices.get("/voices").json()["voices"]
    assert set(found) == {"af_heart", "nana"}
    assert found["af_heart"]["audio_files"] == ["af_heart.wav"]
    assert found["nana"] == {
        "name": "nana",
        "audio_files": ["nana_angry.wav", "nana_calm.wav"],
        "text_files": ["nana.txt"],
        "gender": "female",
        "description": "A voice of two moods.",
        "language": "ja",
    }
    assert voices.get("/voice/NANA").json() == found["nana"]


def test_the_clip_of_a_voice_is_what_tts_takes(voices: TestClient) -> None:
    (clip,) = voices.get("/voice/af_heart").json()["audio_files"]
    sent = {"text": "abc", "text_lang": "en", "prompt_lang": "en", "ref_audio_path": clip}
    assert voices.get("/tts", params=sent).status_code == 200


def test_a_clip_is_chosen_by_its_name(voices: TestClient) -> None:
    styles: dict[str, str] = state_of(voices).gpt_sovits.styles
    for clip, style in (("voice/nana/nana_angry.wav", "angry"), ("nana_calm.wav", "")):
        answer = voices.post("/voice/nana/set", params={"audio_file": clip})
        assert answer.json() == {"message": "success"} and styles["nana"] == style
    for clip in ("other.wav", ""):
        answer = voices.post("/voice/nana/set", params={"audio_file": clip})
        assert answer.status_code == 400 and "nana_calm.wav" in answer.json()["message"]


def test_a_chosen_clip_is_the_style_of_lines(
    voices: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_of(voices)
    asked: list[Any] = []
    real = services.speech.line

    async def line(request: Any) -> Any:
        if request.text == "abc":  # not the first words of an engine
            asked.append(dict(request.options).get("style"))
        return await real(replace(request, character="af_heart"))

    monkeypatch.setattr(services.speech, "line", line)
    state_of(voices).gpt_sovits.styles["nana"] = "angry"
    voice = {"voice_name": "nana", "text": "abc", "text_lang": "en"}
    assert voices.post("/tts_with_cached_voice", params=voice).status_code == 200
    calm = {**voice, "audio_file": "nana_calm.wav"}
    assert voices.post("/tts_with_voice", params=calm).status_code == 200
    clip = {
        "text": "abc",
        "text_lang": "en",
        "prompt_lang": "ja",
        "ref_audio_path": "nana_angry.wav",
    }
    assert voices.post("/tts", json=clip).status_code == 200
    assert asked == ["angry", None, "angry"]


@pytest.mark.parametrize("path", ["/voice/nobody", "/voice/..%2Fnana", "/voice/%00"])
def test_an_unknown_voice_is_a_400(voices: TestClient, path: str) -> None:
    for answer in (voices.get(path), voices.delete(path)):
        assert answer.status_code == (404 if "%2F" in path else 400)


def test_a_voice_of_clips_is_removed_with_its_files(voices: TestClient) -> None:
    assert voices.delete("/voice/nana").json() == {"message": "success"}
    assert "nana" not in voices.get("/voices").json()["voices"]
    assert not list(folder(voices).glob("nana*"))


def test_another_character_is_not_removed(voices: TestClient) -> None:
    answer = voices.delete("/voice/af_heart")
    assert answer.status_code == 400 and "not made of a clip" in answer.json()["message"]
    assert (folder(voices) / "af_heart.npz").exists()


def test_the_folder_is_read_again_on_demand(voices: TestClient) -> None:
    (folder(voices) / "broken.yaml").write_text("engine: [")
    result = voices.post("/refresh_voice_cache").json()["result"]
    assert (result["success_count"], result["error_count"], result["total_voices"]) == (1, 2, 3)
    broken, nana = result["errors"]
    assert broken.startswith("broken.yaml: ") and nana.startswith("nana: "), "it has no weights"


def test_voices_in_memory(voices: TestClient) -> None:
    found = voices.get("/voice_cache_status").json()
    assert found["cache_size"] == 1 and found["cached_voices"] == ["af_heart"], "nana has no prompt"
    assert found["cache_info"]["af_heart"]["audio_size"] > 100_000


def test_pages_from_elsewhere_may_change_nothing(voices: TestClient) -> None:
    foreign = {"Origin": "http://evil.example"}
    for method, path in (
        ("DELETE", "/voice/nana"),
        ("POST", "/voice/nana/set?audio_file=nana_calm.wav"),
        ("POST", "/refresh_voice_cache"),
    ):
        assert voices.request(method, path, headers=foreign).status_code == 403
