"""Failures are remembered by the key of the line, and only so many."""

from __future__ import annotations

from realtime.cache.failures import MOST_FAILURES, Failures
from realtime.errors import Busy
from tests.support.recordings import address


def test_the_oldest_one_is_forgotten() -> None:
    failures = Failures()
    lines = [address(f"Line {number}.") for number in range(MOST_FAILURES + 1)]
    for line in lines:
        failures.add(line, Busy(line.key))
    assert failures.error(lines[0].key) is None and failures.address(lines[0].key) is None
    newest = failures.error(lines[-1].key)
    assert newest is not None and newest.message == lines[-1].key
    assert failures.address(lines[1].key) == lines[1]


def test_one_that_is_forgotten_is_gone() -> None:
    failures = Failures()
    failures.add(address(), Busy("Full."))
    failures.forget(address().key)
    failures.forget(address().key)
    assert failures.error(address().key) is None
