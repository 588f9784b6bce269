"""Numbers are written with their units."""

from __future__ import annotations

from realtime.cli.units import seconds_in_words, size


def test_sizes() -> None:
    assert [size(n) for n in (0, 99_000_000, 640_000_000, 17_200_000_000)] == [
        "0.0 MB",
        "99.0 MB",
        "0.6 GB",
        "17.2 GB",
    ]


def test_whiles() -> None:
    assert [seconds_in_words(n) for n in (40.2, 119, 1_500)] == ["40 s", "119 s", "25 min"]
