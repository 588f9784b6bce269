"""What the published shapes of address may mean."""

from __future__ import annotations

import pytest

from realtime.web.routes.old_addresses import Named, meanings


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("bell/short/Hello.wav", Named("bell", ("short",), "Hello")),
        ("bell/long/a/b.wav", Named("bell", ("long",), "a/b")),
        ("short/bell/Hello.wav", Named("bell", ("short",), "Hello")),
        ("bell/Hello.wav", Named("bell", ("short", "long"), "Hello")),
        ("bell/../../etc/passwd.wav", Named("bell", ("short", "long"), "../../etc/passwd")),
    ],
)
def test_shapes(path: str, first: Named) -> None:
    assert next(meanings(path)) == first


@pytest.mark.parametrize("path", ["", "bell", "Hello.wav", "bell/Hello.mp3"])
def test_other_paths_mean_nothing(path: str) -> None:
    assert list(meanings(path)) == []
