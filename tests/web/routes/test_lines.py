"""POST /lines: an address at once, that works while the line is still being spoken."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.services import Services
from tests.support.documented_client import services_of
from tests.support.server import LiveServer, forget_recordings, wait_until_kept


@pytest.fixture
def fresh(client: TestClient) -> TestClient:
    services: Services = services_of(client)
    forget_recordings(services)
    return client


def ask(client: TestClient, **fields: Any) -> Any:
    return client.post("/lines", json={"text": "abc", "engine": "tone", **fields})


def test_an_address_that_works(fresh: TestClient) -> None:
    first = ask(fresh).json()
    urls = {"url", "timestamps_url", "expires_at"}
    assert set(first) == {*urls, "key", "status", "duration", "notices"}
    assert (first["status"], first["duration"], first["expires_at"]) == ("miss", None, None)
    assert first["url"].endswith(f"/audio/en/af_heart/short/abc-{first['key']}.wav")
    sound = fresh.get(first["url"]).content
    wait_until_kept(fresh)
    again = ask(fresh).json()
    assert (again["status"], again["duration"]) == ("hit", 0.24)
    whole = fresh.get(again["url"])
    assert whole.content[44:] == sound[44:]
    with wave.open(io.BytesIO(whole.content)) as file:
        assert file.getnframes() == 5760
    told = fresh.get(again["timestamps_url"]).json()
    assert (told["key"], told["samples"], told["line"]["text"]) == (first["key"], 5760, "abc")


@pytest.mark.parametrize("again", range(2))
def test_a_line_in_a_foreign_language_has_a_notice(fresh: TestClient, again: int) -> None:
    assert ask(fresh).json()["notices"] == []
    [notice] = ask(fresh, character="zf_xiaoxiao").json()["notices"]
    assert notice == {
        "code": "foreign_language",
        "message": "zf_xiaoxiao is a native speaker of Chinese; English may sound foreign.",
    }


def test_an_error_has_the_values_of_its_message(fresh: TestClient) -> None:
    error = ask(fresh, text="a" * 5001).json()["error"]
    assert error["values"] == {"length": 5001, "limit": 5000}
    assert all(str(value) in error["message"] for value in error["values"].values())
    assert "values" not in ask(fresh, text="!").json()["error"]


def test_what_became_of_it(fresh: TestClient) -> None:
    key = ask(fresh).json()["key"]
    assert fresh.get(f"/lines/{key}").json()["state"] in ("growing", "finished")
    wait_until_kept(fresh)
    found = fresh.get(f"/lines/{key}").json()
    assert (found["key"], found["state"], found["duration"]) == (key, "finished", 0.24)
    assert found["error"] is None and found["url"].endswith(f"{key}.wav")
    assert fresh.get("/lines/0123456789abcdef").status_code == 404


def test_a_failure_is_told_and_the_next_request_tries_afresh(live: LiveServer) -> None:
    asked = live.post("/lines", {"text": "abc", "engine": "broken"})
    assert live.wait_until_idle()
    found = live.get(f"/lines/{asked['key']}")
    assert (found["state"], found["error"]["code"]) == ("failed", "synthesis_failed")
    assert live.post("/lines", {"text": "abc", "engine": "broken"})["status"] == "miss"
    assert live.wait_until_idle()


MOST_HEAD_BYTES = 512  # which state the length in a finished file, and cannot in a growing one


@pytest.mark.parametrize("name", ["ogg", "opus", "mp3", "flac"])
def test_other_formats_and_rates(fresh: TestClient, name: str) -> None:
    url = ask(fresh, format=name, sample_rate=48000).json()["url"]
    answer = fresh.get(url)
    assert answer.headers["content-type"].startswith("audio/")
    wait_until_kept(fresh)
    again = fresh.get(url)
    assert again.headers["x-cache"] == "hit"
    assert len(again.content) == len(answer.content)
    assert again.content[MOST_HEAD_BYTES:] == answer.content[MOST_HEAD_BYTES:]
    assert ("rate=48000" in url) == (name != "opus")


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"text": None}, 400, "text"),
        ({"voice": "a"}, 400, "voice"),
        ({"format": "exe"}, 400, "format"),
        ({"sample_rate": 12345}, 400, "sample_rate"),
        ({"speed": "fast"}, 400, "speed"),
        ({"character": "../../etc"}, 400, "character"),
        ({"character": "a\u0000b"}, 400, "character"),
        ({"character": "nobody"}, 404, "nobody"),
        ({"language": "fr"}, 400, "language"),
        ({"text": "..."}, 400, "nothing"),
        ({"text": "a" * 5001}, 400, "5000"),
    ],
)
def test_what_is_wrong_is_named(
    fresh: TestClient, fields: dict[str, Any], status: int, word: str
) -> None:
    answer = ask(fresh, **fields)
    assert answer.status_code == status
    assert word in json.dumps(answer.json()["error"])


def test_a_host_that_is_none_gets_no_address(fresh: TestClient) -> None:
    answer = fresh.post("/lines", json={"text": "abc", "engine": "tone"}, headers={"Host": "a b/c"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "host_not_allowed")
