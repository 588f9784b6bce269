"""Voices of servers elsewhere through every door: one of them is another server of this kind."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from realtime.audio.decoding import decode
from realtime.cli import say
from realtime.cli.commands import parse_arguments
from realtime.services import build
from realtime.settings import CacheSettings, PresetsSettings, Settings
from tests.support.polling import wait_until
from tests.support.raw_socket import RawSocket
from tests.support.remote_world import NAME, remote_world, with_server, write_character
from tests.support.server import LiveServer, serving

SECRET = "upstream-upstream-upstream-upstream-upstrea"
KEY = f"bot:{SECRET}"
WAIT = 60
TEXT = "the lamps are lit along the river"


@dataclass(frozen=True)
class Pair:
    """Two servers of this kind: `near` is asked, and asks `far`, which needs a key."""

    near: LiveServer
    far: LiveServer
    settings: Settings  # of the near one

    @property
    def spoken(self) -> int:
        """Count the lines that the far server has spoken."""
        text = httpx2.get(f"{self.far.url}/metrics", headers=AUTH, timeout=WAIT).text
        lines = [line for line in text.splitlines() if line.startswith("yamabiko_syntheses_total{")]
        return sum(int(float(line.split()[-1])) for line in lines)


AUTH = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def pair(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("near")
    far_settings = replace(settings, keys=(KEY,))
    with serving(build(far_settings)) as far:
        (folder / "key").write_text(KEY)
        near_settings = with_server(
            replace(
                settings,
                cache=CacheSettings(path=folder / "cache"),
                presets=PresetsSettings(path=folder / "presets"),
            ),
            "remote_openai",
            far.url,
            key_file=str(folder / "key"),
        )
        presets = near_settings.presets.path
        write_character(presets, "remote_openai", NAME, voice="af_heart", model="tone")
        write_character(presets, "remote_openai", "nobody", voice="nobody")
        with serving(build(near_settings)) as near:
            yield Pair(near, far, near_settings)


def ask(server: LiveServer, text: str, voice: str = NAME, **more: Any) -> httpx2.Response:
    body = {"input": text, "voice": voice, "response_format": "wav", **more}
    headers = AUTH if server.services.settings.keys else {}
    return httpx2.post(f"{server.url}/v1/audio/speech", json=body, headers=headers, timeout=WAIT)


def sound_of(answer: httpx2.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    samples, rate = decode(answer.content)
    assert rate == 24_000
    return samples


def test_a_line_is_what_the_far_server_speaks_and_then_a_recording_like_any_other(
    pair: Pair,
) -> None:
    first = ask(pair.near, TEXT)
    near, far = sound_of(first), sound_of(ask(pair.far, TEXT, "af_heart", model="tone"))
    assert np.array_equal(near, far)
    before = pair.spoken
    again = ask(pair.near, TEXT)
    assert (first.headers["X-Cache"], again.headers["X-Cache"]) == ("miss", "hit")
    assert np.array_equal(sound_of(again), near) and pair.spoken == before


def test_two_requests_at_once_are_one_line_there(pair: Pair) -> None:
    before, answers = pair.spoken, []
    text = "a line that two want at once"
    threads = [
        threading.Thread(target=lambda: answers.append(ask(pair.near, text))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert len({answer.content[44:] for answer in answers}) == 1 == pair.spoken - before


def test_lines_have_an_address_and_no_invented_words(pair: Pair) -> None:
    made = pair.near.post("/lines", {"text": "a line by address", "character": NAME})
    assert sound_of(httpx2.get(made["url"], timeout=WAIT)).size
    assert pair.near.wait_until_idle()
    told = httpx2.get(made["timestamps_url"], timeout=WAIT).json()
    assert told["words"] == [] and told["engine"]["name"] == "remote_openai:home"
    assert "address=" in told["engine"]["version"] and SECRET not in json.dumps(told)


def test_the_socket_speaks_it(pair: Pair) -> None:
    with RawSocket(pair.near.address) as socket:
        socket.say("say", id="1", text="a line by socket", character=NAME, pace=False)
        frames = socket.until("done", "error")
    assert frames[-1].json["type"] == "done", frames[-1].json
    assert sum(len(frame.data) for frame in frames if frame.opcode == 2) > 10_000


@pytest.mark.anyio
async def test_the_command_line_speaks_it(pair: Pair, tmp_path: Path) -> None:
    file = tmp_path / "out.wav"
    options = parse_arguments(["say", "by command", "--character", NAME, "-o", str(file)])
    assert await say.say(options, replace(pair.settings, preload=())) == 0
    samples, rate = decode(file.read_bytes())
    assert rate == 24_000 and np.abs(samples).max() > 1_000


def test_it_is_listed_like_any_other(pair: Pair) -> None:
    ask(pair.near, TEXT)
    listed = pair.near.get("/api/characters")["characters"]
    assert [each["engine"] for each in listed if each["name"] == NAME] == ["remote_openai"]
    models = {each["id"]: each for each in pair.near.get("/api/models")["models"]}
    home = models["remote_openai:home"]
    assert (home["state"], home["device"], home["memory_bytes"]) == ("loaded", "remote", 0)
    assert home["estimated_bytes"] == 0 and home["can_run"]
    assert pair.near.get("/api/info")["device"] == "cpu", "where the others run"


def test_it_is_unloaded_and_loaded_like_any_other(pair: Pair) -> None:
    ask(pair.near, TEXT)
    assert pair.near.wait_until_idle()
    wait_until(lambda: not pair.near.services.models.model("remote_openai:home").users)
    for action, state in (("unload", "unloaded"), ("load", "loaded")):
        answer = pair.near.post(f"/api/models/{action}", {"id": "remote_openai:home"})
        assert answer["state"] == state
    refused = pair.near.post("/api/models/load", {"id": "remote_openai:home", "device": "cpu"})
    assert "runs on remote only" in refused["error"]["message"]


def test_a_wrong_voice_names_those_that_exist(pair: Pair) -> None:
    answer = ask(pair.near, TEXT, "nobody")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "upstream_refused")
    assert "There is no character 'nobody'" in error["message"] and "af_heart" in error["message"]


def test_another_character_is_not_for_it(pair: Pair) -> None:
    write_character(pair.settings.presets.path, "remote_openai", "other", server="elsewhere")
    pair.near.services.characters.refresh()
    answer = ask(pair.near, TEXT, "other", model="remote_openai:home")
    assert answer.status_code == 400
    assert "has no voice of the server 'remote_openai:home'" in answer.json()["error"]["message"]
    missing = ask(pair.near, TEXT, "other")
    assert missing.status_code == 503 and "elsewhere" in missing.json()["error"]["message"]


def test_nothing_is_kept_of_a_line_whose_server_dies(settings: Settings, tmp_path: Path) -> None:
    own = replace(settings, cache=CacheSettings(path=tmp_path / "cache"))
    with remote_world("remote_openai", own, tmp_path / "presets") as world:
        world.stand_in.faults.cut_after = 1
        with serving(build(world.settings)) as near:
            made = near.post("/lines", {"text": TEXT, "character": NAME})
            assert near.wait_until_idle()
            state = near.get(f"/lines/{made['key']}")
            assert state["state"] == "failed" and "broke off after" in state["error"]["message"]
            assert state["error"]["code"] == "upstream_failed"
            assert near.services.cache.index.bytes == 0
            world.stand_in.faults.cut_after = None
            assert sound_of(ask(near, TEXT)).size, "the next line is spoken"


def test_a_listener_who_leaves_ends_the_request_there(settings: Settings, tmp_path: Path) -> None:
    own = replace(settings, cache=CacheSettings(path=tmp_path / "cache"))
    with remote_world("remote_openai", own, tmp_path / "presets") as world:
        world.stand_in.faults.endless = True
        with serving(build(world.settings)) as near:
            with RawSocket(near.address) as socket:
                socket.say("say", id="1", text=TEXT, character=NAME)
                socket.until("started")
                while socket.receive().opcode != 2:
                    pass
                socket.say("cancel", id="1")
                socket.until("cancelled")
            assert world.stand_in.gone.wait(WAIT)
            assert near.wait_until_idle()
