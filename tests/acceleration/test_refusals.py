"""Refusals for a moment are told from those for good."""

from __future__ import annotations

from realtime.acceleration.refusals import CannotRun, NotNow


def test_a_refusal_for_this_moment_is_a_refusal_and_not_the_other_way_round() -> None:
    assert issubclass(NotNow, CannotRun) and not issubclass(CannotRun, NotNow)
