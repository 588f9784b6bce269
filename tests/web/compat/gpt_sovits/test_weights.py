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

from realtime.engines.tone import Tone
from realtime.errors import NotFound, SynthesisFailed
from realtime.settings import ModelsSettings, PresetsSettings, Settings
from realtime.web.compat.gpt_sovits.weights import brought_file
from tests.support.server import local_client, services_with

CLIP = {"audio_file": ("clip.wav", b"RIFF and sound")}


class Taker(Tone):
    """An engine that remembers the files that it was given."""

    name = "taker"
    switched_character: str | None = None
    error: Exception | None = None

    def __init__(self, settings: Settings) -> None:
        self.taken: list[tuple[str, str, bytes]] = []

    def switch(self, part: str, file: Path) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append((part, file.name, file.read_bytes()))


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
    with local_client(services_with(folders, extra=(Taker,))) as client:
        yield client


def taker(client: TestClient) -> Taker:
    engine: Taker = client.app.state.services.models.engine("taker")  # type: ignore[attr-defined]
    return engine


def ask(client: TestClient, address: str, **query: str) -> tuple[int, dict[str, Any]]:
    answer = client.get(f"/{address}", params=query)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("part", ["gpt", "sovits"])
def test_without_a_path_its_words_are_those_of_the_api(bot: TestClient, part: str) -> None:
    status, body = ask(bot, f"set_{part}_weights")
    assert (status, body) == (400, {"message": f"{part} weight path is required"})


@pytest.mark.parametrize(
    ("address", "name", "message"),
    [
        ("set_gpt_weights", "weights_path", "change gpt weight failed"),
        ("set_sovits_weights", "weights_path", "change sovits weight failed"),
        ("set_refer_audio", "refer_audio_path", "set refer audio failed"),
    ],
)
def test_without_an_engine_that_takes_them_the_reason_is_told(
    folders: Settings, address: str, name: str, message: str
) -> None:
    with local_client(services_with(folders)) as client:
        status, body = ask(client, address, **{name: "a.wav"})
        assert (status, body["message"]) == (400, message)
        assert "No engine here takes weights" in body["Exception"]
        posted = client.post("/set_refer_audio", files=CLIP)
        assert posted.status_code == 400 and "No engine" in posted.json()["Exception"]


def test_files_of_our_folders_are_given_to_the_engine(taking: TestClient) -> None:
    gpt = {"weights_path": "a.ckpt"}
    assert ask(taking, "set_gpt_weights", **gpt) == (200, {"message": "success"})
    sovits = {"weights_path": "gpt_sovits\\a.ckpt"}
    assert ask(taking, "set_sovits_weights", **sovits)[0] == 200
    assert ask(taking, "set_refer_audio", refer_audio_path="a.wav")[0] == 200
    assert taking.post("/set_refer_audio", files=CLIP).json() == {"message": "success"}
    assert taker(taking).taken == [
        ("gpt", "a.ckpt", b"a.ckpt"),
        ("sovits", "a.ckpt", b"a.ckpt"),
        ("reference", "a.wav", b"a.wav"),
        ("reference", "reference.wav", b"RIFF and sound"),
    ]


def test_an_engine_that_cannot_take_a_file_tells_why(taking: TestClient) -> None:
    taker(taking).error = SynthesisFailed("It is a text file.")
    status, body = ask(taking, "set_gpt_weights", weights_path="a.ckpt")
    assert (status, body["Exception"]) == (400, "It is a text file.")
    taker(taking).error = ZeroDivisionError("inner")
    status, body = ask(taking, "set_gpt_weights", weights_path="a.ckpt")
    assert status == 400 and "inner" not in body["Exception"]


def test_an_upload_without_a_clip_is_refused(taking: TestClient) -> None:
    for sent in ({"data": {"audio_file": "text"}}, {"files": {"other": ("a", b"b")}}, {}):
        answer = taking.post("/set_refer_audio", **sent)
        assert answer.status_code == 400 and answer.json()["message"] == "set refer audio failed"
    assert not taker(taking).taken


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
