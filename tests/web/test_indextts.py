"""IndexTTS over HTTP, with the stand-in of its package in an environment of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.engines.indextts.engine import IndexTts
from realtime.services import build
from realtime.settings import ModelsSettings, OutsideSettings, PresetsSettings, Settings
from tests.support.indextts_environment import bring_files, make_environment, write_character
from tests.support.server import local_client

QUICK = OutsideSettings(backoff_seconds=0.01, most_backoff_seconds=0.02, stall_seconds=3)


@pytest.fixture(scope="module")
def bot(
    shared_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    place = tmp_path_factory.mktemp("indextts")
    bring_files(place)
    for name, emotion in (("yuki", ""), ("kyo", "{sad: 0.6}")):
        write_character(place, name, emotion)
    settings = replace(
        shared_settings,
        models=ModelsSettings(path=place, devices={"indextts": "cpu"}),
        presets=PresetsSettings(path=place),
        outside=QUICK,
    )
    with pytest.MonkeyPatch.context() as patch:
        python = make_environment(place / "environment")
        patch.setattr(IndexTts, "python", lambda _: python)
        with local_client(build(settings)) as client:
            yield client


def say(client: TestClient, text: str, **more: Any) -> Any:
    body = {"model": "yamabiko", "input": text, "response_format": "pcm", "voice": "yuki", **more}
    return client.post("/v1/audio/speech", json=body)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def model(client: TestClient) -> Any:
    models = client.get("/api/models").json()["models"]
    return next(each for each in models if each["id"] == "indextts")


def test_a_line_is_spoken_and_kept(bot: TestClient) -> None:
    first = say(bot, "Hello there.")
    assert first.status_code == 200, first.text
    assert len(first.content) > 22_050, "half a second of sound"
    again = say(bot, "Hello there.")
    assert again.headers["X-Cache"] == "hit" and again.content == first.content
    assert say(bot, "Hello there.", voice="kyo").content != first.content
    assert model(bot)["state"] == "loaded"


def test_its_characters_and_options_are_listed(bot: TestClient) -> None:
    voices = {each["name"]: each for each in bot.get("/api/characters").json()["characters"]}
    assert {voices[name]["engine"] for name in ("yuki", "kyo")} == {"indextts"}
    plain = say(bot, "Options.").content
    options = {"emotion": "sad:0.6,calm:0.1", "top_k": 5}
    assert say(bot, "Options.", options=options).content != plain
    assert code_of(say(bot, "Options.", options={"emotion": "merry"}))[0] == 400
    line = {"text": "Options.", "character": "yuki", "options": options}
    assert bot.post("/lines", json=line).status_code in (200, 202)


@pytest.mark.parametrize(
    ("fault", "code"),
    [("raise", "synthesis_failed"), ("crash", "engine_crashed"), ("hang", "engine_stalled")],
)
def test_each_fault_has_its_error_and_the_next_line_is_spoken(
    bot: TestClient, fault: str, code: str
) -> None:
    assert code_of(say(bot, f"{fault} now.")) == (500, code)
    assert say(bot, f"After {fault}ing.").status_code == 200
    assert code_of(say(bot, f"{fault} now.")) == (500, code), "nothing of it was kept"


def test_without_its_files_a_line_says_what_is_missing(
    shared_settings: Settings, tmp_path: Path
) -> None:
    write_character(tmp_path, "yuki")
    settings = replace(
        shared_settings,
        models=ModelsSettings(path=tmp_path),
        presets=PresetsSettings(path=tmp_path),
    )
    with local_client(build(settings)) as client:
        assert code_of(say(client, "Hello.")) == (503, "weights_missing")
        shown = model(client)
        assert not shown["can_run"]
        assert "bilibili Model Use License" in shown["obstacles"][0]["how"]
