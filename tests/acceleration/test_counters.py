"""What happened is counted once, bounded, and told in plain words."""

from __future__ import annotations

import pytest

from realtime.acceleration.counters import MOST_LETTERS, MOST_REASONS, Counters, error_text
from realtime.acceleration.shapes import Fit


def test_hits_uses_and_waste() -> None:
    ledger = Counters()
    ledger.ran("graphs", Fit((3, 10), (4, 10), True), filled=True)
    ledger.ran("onnx", Fit((3, 10), (4, 10), True))
    ledger.ran("eager")
    told = ledger.described()
    assert (told["calls"], told["hits"]) == (3, {"graphs": 1, "onnx": 1, "eager": 1})
    assert told["padding_share"] == pytest.approx(10 / 70, abs=1e-4)
    ledger.ran("eager", Fit((1, 20), (1, 20), True))
    assert ledger.most_used() == [(4, 10), (1, 20)] and ledger.uses((4, 10)) == 2


def test_the_same_fallback_is_counted_and_kinds_are_bounded() -> None:
    ledger = Counters()
    for number in range(3 * MOST_REASONS):
        ledger.fell_back("graphs", (1,), f"reason {number % (2 * MOST_REASONS)}")
    told = ledger.described()["fallbacks"]
    assert len(told) == MOST_REASONS
    assert told[0] == {"plan": "graphs", "bucket": [1], "reason": "reason 0", "count": 2}


def test_quiet_begins_when_the_last_call_ends() -> None:
    now = [10.0]
    ledger = Counters(lambda: now[0])
    ledger.begin()
    ledger.begin()
    now[0] = 15.0
    ledger.end()
    assert ledger.quiet_for() == 0
    ledger.end()
    now[0] = 18.0
    assert ledger.quiet_for() == 3


def test_errors_are_one_line_that_fits() -> None:
    assert error_text(ValueError("two\n  lines")) == "two lines"
    assert error_text(ValueError()) == "ValueError"
    assert len(error_text(ValueError("x" * 1_000))) == MOST_LETTERS
