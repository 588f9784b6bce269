"""Weights are named by paths of this server's own folders, and by operators alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.errors import NotFound, Unavailable
from realtime.settings import ModelsSettings, PresetsSettings, Settings
from realtime.speech.request import LineRequest
from realtime.web.compat.gpt_sovits.chosen import ChosenVoice
from realtime.web.compat.gpt_sovits.weights import brought_file
from tests.support.documented_client import services_of, state_of
from tests.support.server import local_client, services_with
from tests.web.compat.gpt_sovits.conftest import write_trained_voice

LINE = {"text": "Hello.", "text_lang": "en", "prompt_lang": "en"}


@pytest.fixture
def folders(own_settings: Settings, tmp_path: Path) -> Settings:
    """Return settings with folders of models and of characters, and files beside them."""
    models, presets = tmp_path / "models", tmp_path / "presets"
    for file in (models / "gpt_sovits" / "a.ckpt", presets / "a.wav", tmp_path / "secret.ckpt"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(file.name.encode())
    (models / "out.ckpt").symlink_to(tmp_path / "secret.ckpt")
    return replace(
        own_settings, models=ModelsSettings(path=models), presets=PresetsSettings(path=presets)
    )


@pytest.fixture
def taking(folders: Settings) -> Iterator[TestClient]:
    write_trained_voice(folders.presets.path)
    for name in ("GPT_weights_v2/kyo-e15.ckpt", "SoVITS_weights_v2/kyo_e8.pth"):
        file = folders.models.path / "gpt_sovits" / name
        file.parent.mkdir()
        file.write_bytes(b"weights")
    with local_client(services_with(folders)) as client:
        yield client


def chosen(client: TestClient) -> ChosenVoice:
    found: ChosenVoice = state_of(client).gpt_sovits.chosen
    return found


def lines_asked(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> list[LineRequest]:
    """Return the list into which the lines go that are asked for; none is spoken."""
    asked: list[LineRequest] = []

    async def line(request: LineRequest) -> Any:
        asked.append(request)
        raise Unavailable("A test ends here.")

    services = services_of(client)
    monkeypatch.setattr(services.speech, "line", line)
    return asked


def ask(client: TestClient, address: str, **query: str) -> tuple[int, dict[str, Any]]:
    answer = client.get(f"/{address}", params=query)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("part", ["gpt", "sovits"])
def test_without_a_path_its_words_are_those_of_the_api(bot: TestClient, part: str) -> None:
    status, body = ask(bot, f"set_{part}_weights")
    assert (status, body) == (400, {"message": f"{part} weight path is required"})


def test_weights_are_those_of_clips_that_nobody_knows(
    taking: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = lines_asked(taking, monkeypatch)
    for address, path in (
        ("set_gpt_weights", "GPT_weights_v2/kyo-e15.ckpt"),
        ("set_sovits_weights", "gpt_sovits\\SoVITS_weights_v2\\kyo_e8.pth"),
    ):
        taking.get("/tts", params={**LINE, "ref_audio_path": "x.wav"})
        assert ask(taking, address, weights_path=path) == (200, {"message": "success"})
    for clip in ("x.wav", "nana_angry.wav"):
        taking.get("/tts", params={**LINE, "ref_audio_path": clip})
    assert [(line.character, line.engine) for line in asked] == [
        (None, None),
        ("nana", "gpt_sovits:kyo-e15+nana"),
        ("nana", "gpt_sovits:kyo-e15+kyo_e8"),
        ("nana", None),
    ]


@pytest.mark.parametrize(
    ("address", "path", "words"),
    [
        ("set_gpt_weights", "presets/a.wav", "no such gpt file"),
        ("set_gpt_weights", "SoVITS_weights_v2/kyo_e8.pth", "no such gpt file"),
        ("set_sovits_weights", "a.ckpt", "SoVITS_weights_v2/kyo_e8.pth"),
        ("set_gpt_weights", "page.ckpt", "web page"),
        ("set_gpt_weights", "elsewhere.ckpt", "no such gpt file"),
        ("set_gpt_weights", "none.ckpt", "no such file inside"),
    ],
)
def test_other_files_are_no_weights(
    taking: TestClient, folders: Settings, address: str, path: str, words: str
) -> None:
    models = folders.models.path
    (models / "gpt_sovits" / "page.ckpt").write_text("<!DOCTYPE html>")
    (models / "elsewhere.ckpt").write_bytes(b"weights")
    if path.startswith("presets"):
        path = str(folders.presets.path / "a.wav")
    status, body = ask(taking, address, weights_path=path)
    assert status == 400 and body["message"].startswith("change "), body
    assert words in body["Exception"] and not chosen(taking)


def test_a_clip_chooses_its_character_and_style(
    taking: TestClient, folders: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = lines_asked(taking, monkeypatch)
    angry = (folders.presets.path / "nana_angry.wav").read_bytes()
    posted = taking.post("/set_refer_audio", files={"audio_file": ("any.wav", angry)})
    assert posted.json() == {"message": "success"}
    taking.get("/tts", params={**LINE, "ref_audio_path": "x.wav"})
    assert ask(taking, "set_refer_audio", refer_audio_path="nana_calm.wav")[0] == 200
    taking.get("/tts", params={**LINE, "ref_audio_path": "x.wav"})
    found = [(line.character, line.engine, dict(line.options).get("style")) for line in asked]
    assert found == [("nana", None, "angry"), ("nana", None, None)]


def test_a_clip_of_nobody_is_refused(taking: TestClient) -> None:
    """An upload has no text, so it is no voice yet."""
    status, body = ask(taking, "set_refer_audio", refer_audio_path="a.wav")
    posted = taking.post("/set_refer_audio", files={"audio_file": ("a.wav", b"RIFF and sound")})
    for each in (body, posted.json()):
        assert each["message"] == "set refer audio failed"
        assert "belongs to no character" in each["Exception"]
    assert status == posted.status_code == 400 and not chosen(taking)


def test_an_upload_without_a_clip_is_refused(taking: TestClient) -> None:
    for sent in ({"data": {"audio_file": "text"}}, {"files": {"other": ("a", b"b")}}, {}):
        answer = taking.post("/set_refer_audio", **sent)
        assert answer.status_code == 400 and answer.json()["message"] == "set refer audio failed"
    assert not chosen(taking)


def test_no_file_elsewhere_is_looked_at(
    folders: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 18: the original opens any path, and unpickles what it finds there."""
    looked: list[str] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir"):
            looked.extend(str(each) for each in arguments[:1])

    real = os.stat

    def stat(path: Any, *rest: Any, **more: Any) -> Any:
        looked.append(str(path))
        return real(path, *rest, **more)

    sys.addaudithook(note)
    monkeypatch.setattr(os, "stat", stat)
    outside = [str(tmp_path / "secret.ckpt"), "../secret.ckpt", "/etc/passwd", "~/x", "a\0b"]
    for path in (*outside, "gpt_sovits/../../secret.ckpt", "out.ckpt", "", "a" * 5_000):
        with pytest.raises(NotFound):
            brought_file(folders, path)
    assert looked, "files inside are looked for"
    assert not {str(tmp_path / "secret.ckpt"), "/etc/passwd"} & set(looked)
    file = folders.models.path / "gpt_sovits" / "a.ckpt"
    for path in ("a.ckpt", "gpt_sovits/a.ckpt", str(file)):
        assert brought_file(folders, path) == file
    with pytest.raises(NotFound):
        brought_file(folders, "gpt_sovits")  # a folder


def test_pages_from_elsewhere_may_not_switch_weights(taking: TestClient) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for name in ("weights_path", "none"):
            answer = taking.get("/set_gpt_weights", params={name: "a.ckpt"}, headers=headers)
            assert answer.status_code == 403
    own = {"Sec-Fetch-Site": "same-origin"}
    answer = taking.get("/set_gpt_weights", params={"weights_path": "a.ckpt"}, headers=own)
    assert answer.status_code == 200


def test_nobody_stops_the_server_by_a_request(bot: TestClient) -> None:
    """Fault 18: the original restarts and ends by a GET."""
    assert ask(bot, "control") == (400, {"message": "command is required"})
    for command in ("restart", "exit"):
        status, body = ask(bot, "control", command=command)
        assert status == 403 and "not restarted" in body["message"]
    assert bot.get("/health").status_code == 200
