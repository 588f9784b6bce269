"""The setting `cache.finish_started`: what a line becomes whose client leaves in its middle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from realtime.settings import Settings
from tests.support.scripted_engines import CHUNK_SAMPLES
from tests.support.server import LiveServer, scripted_services, serving

PATIENCE_SECONDS = 20.0
WHOLE_BYTES = 44 + 2 * 2 * CHUNK_SAMPLES
LINE = {"text": "abc", "engine": "gated"}
FORMATS = ("wav", "mp3", "ogg")


@pytest.fixture
def server(settings: Settings, tmp_path: Path, finish: bool) -> Iterator[LiveServer]:
    cache = replace(settings.cache, path=tmp_path / "cache", finish_started=finish)
    with serving(scripted_services(replace(settings, cache=cache))) as live:
        yield live
        live.gated.gate.set()


def ask(server: LiveServer, **fields: str) -> dict[str, Any]:
    found: dict[str, Any] = server.post("/lines", {**LINE, **fields})
    return found


def begin_to_hear(server: LiveServer, url: str) -> HTTPResponse:
    answer = server.answer("GET", url)
    assert answer.getheader("X-Cache") == "join"
    assert answer.read1(1), "the line has begun"
    assert server.gated.waiting.wait(PATIENCE_SECONDS)
    return answer


def files_of(server: LiveServer) -> list[str]:
    root = server.services.cache.store.root
    return sorted(path.suffix for path in root.rglob("*-*.*") if path.is_file())


@pytest.mark.parametrize("finish", [False])
@pytest.mark.parametrize("name", FORMATS)
def test_without_it_a_line_ends_with_its_last_listener_and_nothing_is_kept(
    server: LiveServer, name: str
) -> None:
    asked = ask(server, format=name)
    begin_to_hear(server, asked["url"]).close()
    assert server.gated.ended.wait(PATIENCE_SECONDS), "the engine was not stopped"
    assert server.wait_until_idle()
    assert server.answer("GET", asked["url"]).status == 404
    assert server.answer("GET", f"/lines/{asked['key']}").status == 404
    assert files_of(server) == []
    server.gated.reset()
    assert ask(server, format=name)["status"] == "miss", "it can be asked for afresh"


@pytest.mark.parametrize("finish", [False])
@pytest.mark.parametrize("name", FORMATS)
def test_without_it_a_listener_that_stays_hears_it_to_its_end(
    server: LiveServer, name: str
) -> None:
    asked = ask(server, format=name)
    stays = begin_to_hear(server, asked["url"])
    begin_to_hear(server, asked["url"]).close()
    server.gated.gate.set()
    stays.read()
    assert server.wait_until_idle()
    assert server.get(f"/lines/{asked['key']}")["state"] == "finished"


@pytest.mark.parametrize("finish", [False])
def test_without_it_who_asks_for_the_head_alone_is_no_listener(server: LiveServer) -> None:
    asked = ask(server)
    for _ in range(3):
        assert server.answer("HEAD", asked["url"]).getheader("X-Cache") == "join"
    heard = begin_to_hear(server, asked["url"])
    server.gated.gate.set()
    assert 1 + len(heard.read()) == WHOLE_BYTES
    assert server.wait_until_idle()
    assert server.get(f"/lines/{asked['key']}")["state"] == "finished"


@pytest.mark.parametrize("finish", [True])
@pytest.mark.parametrize("name", FORMATS)
def test_with_it_a_line_is_made_to_its_end_and_kept(server: LiveServer, name: str) -> None:
    asked = ask(server, format=name)
    begin_to_hear(server, asked["url"]).close()
    server.gated.gate.set()
    assert server.wait_until_idle()
    assert server.get(f"/lines/{asked['key']}")["state"] == "finished"
    assert files_of(server) == sorted({".json", ".wav", f".{name}"})
    assert ask(server, format=name)["status"] == "hit"
    whole = server.answer("GET", asked["url"].replace(f".{name}", ".wav")).read()
    assert len(whole) == WHOLE_BYTES
