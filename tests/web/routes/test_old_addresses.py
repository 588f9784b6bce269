"""The meanings of the published forms of path."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from realtime.web.routes.old_addresses import NamedRecording, parse_old_path
from tests.support.server import wait_until_kept


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("bell/short/Hello.wav", NamedRecording("bell", ("short",), "Hello")),
        ("bell/long/a/b.wav", NamedRecording("bell", ("long",), "a/b")),
        ("short/bell/Hello.wav", NamedRecording("bell", ("short",), "Hello")),
        ("bell/Hello.wav", NamedRecording("bell", ("short", "long"), "Hello")),
        (
            "bell/../../etc/passwd.wav",
            NamedRecording("bell", ("short", "long"), "../../etc/passwd"),
        ),
    ],
)
def test_shapes(path: str, first: NamedRecording) -> None:
    assert next(parse_old_path(path)) == first


@pytest.mark.parametrize("path", ["", "bell", "Hello.wav", "bell/Hello.mp3"])
def test_other_paths_mean_nothing(path: str) -> None:
    assert list(parse_old_path(path)) == []


def test_a_text_of_two_lines_is_found(client: TestClient) -> None:
    line = {"text": "abc\nabd", "character": "af_heart", "language": "en", "engine": "tone"}
    assert client.post("/lines", json=line).status_code == 200
    wait_until_kept(client)
    found = client.get("/en/af_heart/abc%0Aabd.wav")
    assert (found.status_code, found.headers["X-Cache"]) == (200, "hit")
