"""Calls are counted once, reasons are bounded, and reports are in plain words."""

from __future__ import annotations

import pytest

from realtime.acceleration.counters import (
    HALVED_EVERY,
    MOST_LETTERS,
    MOST_REASONS,
    Counters,
    error_text,
)
from realtime.acceleration.shapes import Fit


def test_hits_uses_and_waste() -> None:
    counters = Counters()
    counters.ran("graphs", Fit((3, 10), (4, 10), True), filled=True)
    counters.ran("onnx", Fit((3, 10), (4, 10), True))
    counters.ran("eager")
    report = counters.described()
    assert (report["calls"], report["hits"]) == (3, {"graphs": 1, "onnx": 1, "eager": 1})
    assert report["padding_share"] == pytest.approx(10 / 70, abs=1e-4)
    counters.ran("eager", Fit((1, 20), (1, 20), True))
    assert counters.most_used() == [(4, 10), (1, 20)] and counters.uses((4, 10)) == 2


def test_the_same_fallback_is_counted_and_kinds_are_bounded() -> None:
    counters = Counters()
    for number in range(3 * MOST_REASONS):
        counters.fell_back("graphs", (1,), f"reason {number % (2 * MOST_REASONS)}")
    report = counters.described()["fallbacks"]
    assert len(report) == MOST_REASONS
    assert report[0] == {"plan": "graphs", "bucket": [1], "reason": "reason 0", "count": 2}


def test_old_uses_fade() -> None:
    counters = Counters()
    for frames in (10, 20):
        for _ in range(HALVED_EVERY * (frames // 10)):
            counters.ran("graphs", Fit((frames,), (frames,), True))
    assert counters.uses((10,)) == HALVED_EVERY and counters.uses((20,)) == 2 * HALVED_EVERY
    assert counters.recent_uses((10,)) == HALVED_EVERY / 8
    assert counters.recent_uses((20,)) == HALVED_EVERY * (1 / 4 + 1 / 2)
    assert counters.recent_uses((30,)) == 0
    assert counters.most_used() == [(20,), (10,)]
    counters.forget_hits()
    assert counters.most_used() == [] and counters.uses((10,)) == 0


def test_quiet_begins_when_the_last_call_ends() -> None:
    now = [10.0]
    counters = Counters(lambda: now[0])
    counters.begin()
    counters.begin()
    now[0] = 15.0
    counters.end()
    assert counters.quiet_for() == 0
    counters.end()
    now[0] = 18.0
    assert counters.quiet_for() == 3


def test_errors_are_one_line_that_fits() -> None:
    assert error_text(ValueError("two\n  lines")) == "two lines"
    assert error_text(ValueError()) == "ValueError"
    assert len(error_text(ValueError("x" * 1_000))) == MOST_LETTERS
