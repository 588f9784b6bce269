"""Voices of RVC through every door: uploads, the command line, the socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from websockets.sync.client import connect

from realtime.audio.decoding import decode
from realtime.audio.wav import wav_file
from realtime.cli import convert
from realtime.cli.commands import parse_arguments
from realtime.services import build
from realtime.settings import ModelsSettings, Settings
from tests.support.rvc_models import bring_rvc
from tests.support.server import local_client, serving
from tests.support.voice_like_sound import pcm, voice

RATE = 24_000
SOUND = pcm(voice(1.0, pitch=140.0))


@pytest.fixture(scope="module")
def brought(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TestClient, Settings]]:
    folder = tmp_path_factory.mktemp("models")
    own = replace(settings, models=bring_rvc(folder, ["nana", "kyo"]).models)
    services = build(own)
    services.voice_changer.patience = 60.0
    with local_client(services) as client:
        yield client, own


def ask(client: TestClient, engine: str = "rvc:nana", options: Any = None, **fields: str) -> Any:
    if options is not None:
        fields["options"] = json.dumps(options)
    return client.post(
        "/api/process",
        files={"audio": ("voice.wav", wav_file(SOUND, RATE))},
        data={"engine": engine, "gate": "-90", **fields},
    )


def sound_of(answer: Any) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    found, rate = decode(answer.content)
    assert rate == RATE and found.size == SOUND.size
    return found


def test_an_upload_comes_back_in_the_voice(brought: tuple[TestClient, Settings]) -> None:
    client, _ = brought
    usual = sound_of(ask(client))
    assert np.abs(usual).max() > 100
    assert np.array_equal(usual, sound_of(ask(client, "rvc", model="nana")))
    for changed in (
        ask(client, "rvc:kyo"),
        ask(client, pitch="5"),
        ask(client, formant="1.2"),
        ask(client, options={"index_share": 0}),
        ask(client, options={"speaker": 2, "pitch_method": "world", "protect": 0.1}),
    ):
        assert not np.array_equal(usual, sound_of(changed))


def test_wrong_options_are_refused_by_name(brought: tuple[TestClient, Settings]) -> None:
    client, _ = brought
    for options, words in (
        ({"index_share": 2}, "index_share is 2"),
        ({"speaker": 7}, "There is no speaker 7"),
        ({"pitch_method": "crepe"}, "pitch_method"),
        ({"steps": 3}, "rvc has no option 'steps'"),
    ):
        answer = ask(client, options=options)
        assert answer.status_code == 400, answer.text
        assert words in answer.json()["error"]["message"]


def test_what_it_cannot_change_is_refused(brought: tuple[TestClient, Settings]) -> None:
    client, _ = brought
    answer = ask(client, breath="0.5")
    assert answer.status_code == 400
    assert "rvc cannot change breath" in answer.json()["error"]["message"]
    sound_of(ask(client, effect="robot"))


def test_several_voices_at_once_give_what_each_gives_alone(
    brought: tuple[TestClient, Settings],
) -> None:
    client, _ = brought
    names = ["rvc:nana", "rvc:kyo", "rvc:nana"]
    alone = [sound_of(ask(client, name)) for name in names]
    found: dict[int, Any] = {}

    def work(place: int) -> None:
        found[place] = ask(client, names[place])

    threads = [threading.Thread(target=work, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, expected in enumerate(alone):
        assert np.array_equal(sound_of(found[place]), expected)


def test_voices_are_listed_loaded_and_unloaded(brought: tuple[TestClient, Settings]) -> None:
    client, _ = brought
    ids = [each["id"] for each in client.get("/api/models").json()["models"]]
    assert {"rvc:nana", "rvc:kyo"} <= set(ids)
    assert client.post("/api/models/rvc:kyo/load").json()["state"] == "loaded"
    assert client.post("/api/models/rvc:kyo/unload").json()["state"] == "unloaded"


def test_a_microphone_is_heard_in_the_voice(brought: tuple[TestClient, Settings]) -> None:
    _, own = brought
    services = build(own)
    services.voice_changer.patience = 60.0
    heard, told = b"", []
    asked = {"type": "listen", "id": "mic", "engine": "rvc:nana", "gate": -90}
    asked |= {"sample_rate": RATE, "options": {"index_share": 0.5}}
    with serving(services) as live, connect(f"ws{live.url[4:]}/ws", compression=None) as socket:
        socket.send(json.dumps(asked))
        for start in range(0, SOUND.size, 2_400):
            socket.send(SOUND[start : start + 2_400].astype("<i2").tobytes())
        socket.send(json.dumps({"type": "listen.end", "id": "mic"}))
        while not told or told[-1]["type"] not in ("done", "error"):
            message = socket.recv(timeout=100)
            if isinstance(message, bytes):
                heard += message[4:]
            else:
                told.append(json.loads(message))
    assert told[-1]["type"] == "done", told[-1]
    (started,) = [each for each in told if each["type"] == "started"]
    assert started["engine"] == "rvc:nana"
    found = np.frombuffer(heard, "<i2")
    assert found.size == SOUND.size and np.abs(found.astype(int)).max() > 100


@pytest.mark.anyio
async def test_the_command_line_converts_a_file(
    brought: tuple[TestClient, Settings], tmp_path: Path
) -> None:
    client, own = brought
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    source.write_bytes(wav_file(SOUND, RATE))
    words = ["convert", str(source), str(out), "--engine", "rvc:nana", "--gate", "-90"]
    words += ["--option", "index_share=0.5"]
    await convert.convert(parse_arguments(words), own)
    found, _ = decode(out.read_bytes())
    assert np.array_equal(found, sound_of(ask(client, options={"index_share": 0.5})))


def test_a_damaged_voice_is_told_and_spoils_no_other(
    brought: tuple[TestClient, Settings],
) -> None:
    client, own = brought
    broken = own.models.path / "rvc" / "broken.pth"
    broken.write_bytes(b"\x80\x02cposix\nsystem\n(S'true'\ntR.")
    answer = ask(client, "rvc:broken")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "bad_weights")
    assert str(broken) in answer.json()["error"]["message"]
    sound_of(ask(client))
    broken.unlink()


def test_a_line_is_spoken_and_becomes_the_voice(brought: tuple[TestClient, Settings]) -> None:
    client, own = brought

    def line(**fields: str) -> tuple[str, np.ndarray]:
        body = {"text": "abcdef", "engine": "tone", **fields}
        asked = client.post("/lines", json=body)
        assert asked.status_code == 200, asked.text
        heard, rate = decode(client.get(asked.json()["url"]).content)
        assert rate == RATE
        return asked.json()["key"], heard

    key, plain = line()
    nana, changed = line(then="rvc:nana")
    assert nana != key and changed.size == plain.size
    assert np.abs(changed).max() > 100 and not np.array_equal(changed, plain)
    assert np.array_equal(line(then="rvc:nana")[1], changed)
    assert line(then="rvc:kyo")[0] not in (key, nana)
    refused = client.post("/lines", json={"text": "abc", "then": "af_heart"})
    assert refused.status_code == 400
    assert "then is 'af_heart', who speaks" in refused.json()["error"]["message"]


def test_another_file_under_the_same_name_gives_lines_another_key(
    settings: Settings, tmp_path: Path
) -> None:
    own = replace(settings, models=ModelsSettings(path=tmp_path))
    with local_client(build(own)) as client:
        folder = own.models.path / "rvc"
        folder.mkdir(parents=True, exist_ok=True)
        keys = []
        for content in (b"one", b"two"):
            (folder / "changing.pth").write_bytes(content)
            asked = {"text": "abc", "engine": "tone", "then": "rvc:changing"}
            keys.append(client.post("/lines", json=asked).json()["key"])
        (folder / "changing.pth").unlink()
    assert keys[0] != keys[1]
