"""A listener's position: seconds ahead, and when they run dry."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.playback import Playback


def test_what_is_given_is_heard_one_after_the_other() -> None:
    playback = Playback()
    assert playback.seconds_ahead(5.0) == 0.0 and not playback.started
    playback.add(1.0, 10.0)
    playback.add(2.0, 10.5)
    assert playback.runs_dry_at() == 13.0
    assert playback.seconds_ahead(12.0) == 1.0 and playback.seconds_ahead(20.0) == 0.0


def test_who_ran_dry_plays_on_from_what_comes() -> None:
    playback = Playback()
    playback.add(1.0, 10.0)
    playback.add(1.0, 15.0)
    assert playback.runs_dry_at() == 16.0


def test_waiting_for_a_text_makes_nobody_late() -> None:
    playback = Playback()
    playback.ignore_gap(3.0)
    assert playback.runs_dry_at() == 0.0
    playback.add(1.0, 10.0)
    playback.ignore_gap(10.5)
    assert playback.runs_dry_at() == 11.0
    playback.ignore_gap(14.0)
    assert playback.runs_dry_at() == 14.0


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=30))
def test_nobody_is_ahead_of_more_than_was_given(gifts: list[tuple[float, float]]) -> None:
    playback, now = Playback(), 0.0
    for waited, seconds in gifts:
        now += waited
        before = playback.runs_dry_at()
        playback.add(seconds, now)
        assert playback.runs_dry_at() >= max(before, now)
        assert playback.seconds_ahead(now) <= sum(given for _, given in gifts) + 1e-6
