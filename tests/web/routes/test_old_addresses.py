"""The meanings of the published forms of path."""

from __future__ import annotations

import pytest

from realtime.web.routes.old_addresses import NamedRecording, parse_old_path


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
