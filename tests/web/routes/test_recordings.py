"""GET /audio: finished and growing recordings, ranges, and errors that never leave a short file."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import urllib.parse
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from realtime.web.answers import sending
from realtime.web.answers.recording import content_type
from tests.support.documented_client import services_of
from tests.support.durations import PLAYERS, TRUE, duration_told, tells_truly
from tests.support.polling import until
from tests.support.recordings import forget_memory
from tests.support.scripted_engines import CHUNK_SAMPLES
from tests.support.server import LiveServer, forget_recordings, wait_until_kept

GATED_SECONDS = 2 * CHUNK_SAMPLES / 24000


@pytest.fixture
def url(client: TestClient) -> str:
    forget_recordings(services_of(client))
    found = client.post("/lines", json={"text": "abc", "engine": "tone"}).json()
    wait_until_kept(client)
    address: str = found["url"]
    return address


def test_a_finished_recording(client: TestClient, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/wav"
    assert int(answer.headers["content-length"]) == len(answer.content) == 44 + 2 * 5760
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-cache"] == "hit"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-request-id"]
    head = client.head(url)
    assert head.content == b"" and head.headers["etag"] == answer.headers["etag"]
    assert head.headers["content-length"] == answer.headers["content-length"]


def test_parts_of_it(client: TestClient, url: str) -> None:
    whole = client.get(url).content
    part = client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    beyond = client.get(url, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    several = client.get(url, headers={"Range": "bytes=0-3,40-43"})
    assert several.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert int(several.headers["content-length"]) == len(several.content)
    assert several.content.count(b"Content-Range: bytes ") == 2
    assert b"\r\n\r\nRIFF\r\n--" in several.content
    known = client.get(url, headers={"If-None-Match": client.get(url).headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def in_format(live: LiveServer, name: str) -> tuple[str, bytes]:
    """Speak a line, listen to it in a format while it grows; its address, and what was heard."""
    asked = live.post("/lines", {"text": "abc", "engine": "gated", "format": name})
    growing = live.answer("GET", asked["url"])
    assert growing.getheader("X-Cache") == "join" and growing.getheader("ETag") is None
    live.gated.gate.set()
    heard = growing.read()
    assert live.wait_until_idle()
    return asked["url"], heard


@pytest.mark.parametrize("name", TRUE)
def test_a_kept_file_tells_its_true_duration(live: LiveServer, tmp_path: Path, name: str) -> None:
    url, heard = in_format(live, name)
    kept = live.answer("GET", url)
    path = tmp_path / f"kept.{name}"
    path.write_bytes(kept.read())
    assert kept.getheader("X-Cache") == "hit"
    assert path.stat().st_size == len(heard), "ranges of both fit"
    for player in PLAYERS:
        assert tells_truly(player, path, GATED_SECONDS), (player, duration_told(player, path))


@pytest.mark.parametrize("name", ["flac", "mp3", "wav"])
def test_a_finished_head_has_the_tag_and_the_digest_of_its_own_file(
    live: LiveServer, name: str
) -> None:
    url, heard = in_format(live, name)
    kept = live.answer("GET", url)
    body, tag = kept.read(), kept.getheader("ETag")
    assert body != heard and body[512:] == heard[512:], "only the head is another"
    sidecar = live.get(url.replace(f".{name}", ".json"))
    told = sidecar if name == "wav" else sidecar["files"][f".{name}"]
    assert told["sha256"] == hashlib.sha256(body).hexdigest()
    assert tag is not None and tag.strip('"') in told["sha256"]
    answer = live.answer("GET", url, {"Range": "bytes=0-63", "If-Range": tag})
    assert (answer.status, answer.read()) == (206, body[:64])


def test_cold_recordings_are_the_same(client: TestClient, url: str) -> None:
    cache = services_of(client).cache
    hot = client.get(url).content
    forget_memory(cache)
    assert client.get(url).content == hot


@pytest.mark.parametrize(
    "path",
    [
        "/audio/",
        "/audio/en/af_heart/short/abc-0123456789abcdef.wav",
        "/audio/en/af_heart/%2e%2e/%2e%2e/etc/passwd",
        "/audio/en/%2e%2e/short/abc-0123456789abcdef.wav",
        "/audio/en/af_heart/short/..%2f..%2fabc-0123456789abcdef.wav",
        "/audio/en/af_heart/short/abc%00-0123456789abcdef.wav",
        "/audio/en/af_heart/short/" + "a" * 300 + "-0123456789abcdef.wav",
        "/audio/en/CON/short/abc-0123456789abcdef.wav",
        "/audio/en/af_heart/short/abc-0123456789abcdef.16000.wav",
    ],
)
def test_what_is_none_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "recording_not_found"


def test_another_name_for_the_same_key_is_none(client: TestClient, url: str) -> None:
    assert client.get(url.replace("/abc-", "/abd-")).status_code == 404


def test_a_rate_that_there_is_not_is_refused(client: TestClient, url: str) -> None:
    assert client.get(url + "?rate=16000").status_code == 200
    answer = client.get(url + "?rate=1")
    assert (answer.status_code, "16000" in answer.json()["error"]["message"]) == (400, True)


def test_it_is_only_read(client: TestClient, url: str) -> None:
    answer = client.post(url)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_the_first_sound_comes_before_the_second_is_spoken(live: LiveServer) -> None:
    asked = live.post("/lines", {"text": "abc", "engine": "gated"})
    sidecar = live.answer("GET", asked["timestamps_url"])
    assert (sidecar.status, sidecar.getheader("Retry-After")) == (404, "1")
    growing = live.answer("GET", asked["url"])
    assert growing.getheader("X-Cache") == "join"
    assert growing.getheader("Transfer-Encoding") == "chunked"
    assert growing.getheader("Cache-Control") == "no-store"
    first = growing.read1(1 << 16)
    assert len(first) > 44
    assert live.answer("HEAD", asked["url"]).getheader("Content-Length") is None
    live.gated.gate.set()
    whole = first + growing.read()
    assert live.wait_until_idle()
    assert live.answer("GET", asked["url"]).read()[44:] == whole[44:]


def test_who_leaves_does_not_end_what_was_asked_for_by_its_address(live: LiveServer) -> None:
    asked = live.post("/lines", {"text": "abc", "engine": "gated"})
    growing = live.answer("GET", asked["url"])
    growing.read1(100)
    growing.close()
    live.gated.gate.set()
    assert live.wait_until_idle()
    assert live.get(f"/lines/{asked['key']}")["state"] == "finished"


def test_an_error_in_the_middle_is_a_broken_body_and_leaves_nothing(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    asked = live.post("/lines", {"text": "abc", "engine": "gated"})
    growing = live.answer("GET", asked["url"])
    growing.read1(100)
    live.services.models.engine("gated").fail = True
    live.gated.gate.set()
    with pytest.raises(http.client.IncompleteRead):
        growing.read()
    growing.close()
    assert live.wait_until_idle()
    assert live.answer("GET", asked["url"]).status == 404
    assert not list(live.services.cache.store.root.rglob("*.part"))
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.name for record in errors] == ["realtime.engines.failure"], "told once"


def test_a_client_that_reads_nothing_is_cut_off_and_is_no_fault(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = live.post("/lines", {"text": "abc " * 1_200, "engine": "tone"})  # 18 MB
    assert live.wait_until_idle()
    monkeypatch.setattr(sending, "STALL_SECONDS", 0.2)
    finished = live.answer("GET", asked["url"])
    assert finished.getheader("X-Cache") == "hit"
    asyncio.run(until(lambda: "a recording was broken off: Stalled()" in caplog.text))
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        finished.read()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_types() -> None:
    assert content_type(".16000.ogg") == "audio/ogg"
    assert content_type(".json") == "application/json"


def test_every_name_is_percent_encoded(client: TestClient) -> None:
    forget_recordings(services_of(client))
    found = client.post("/lines", json={"text": "你好 abc", "engine": "tone", "language": "zh"})
    url = found.json()["url"]
    assert url.isascii() and "你好-abc" in urllib.parse.unquote(url)
    assert client.get(url).status_code == 200
