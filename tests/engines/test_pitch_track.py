"""Pitch by frame: the first settled answer stays, and phases go on."""

from __future__ import annotations

import numpy as np

from realtime.engines.pitch_track import PitchTrack


def frames(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, np.float32)


def test_a_frame_keeps_its_first_settled_pitch() -> None:
    track = PitchTrack()
    first = track.settle(-2, frames(0, 0, 100, 110, 120, 130), ahead=2)
    np.testing.assert_array_equal(first, [0, 0, 100, 110, 120, 130])
    second = track.settle(0, frames(101, 111, 121, 131, 141, 151), ahead=2)
    np.testing.assert_array_equal(second, [100, 110, 121, 131, 141, 151])
    third = track.settle(2, frames(1, 2, 3, 4, 5, 6), ahead=2)
    np.testing.assert_array_equal(third, [121, 131, 3, 4, 5, 6])


def test_what_is_settled_stays_when_a_window_looks_further_ahead() -> None:
    track = PitchTrack()
    track.settle(0, frames(1, 2, 3, 4), ahead=0)
    np.testing.assert_array_equal(track.settle(1, frames(7, 8, 9, 10), ahead=4), [2, 3, 4, 10])
    np.testing.assert_array_equal(track.settle(1, frames(5, 5, 5, 5), ahead=4), [2, 3, 4, 5])


def test_a_window_far_from_the_last_one_takes_nothing_of_it() -> None:
    track = PitchTrack()
    track.settle(0, frames(1, 2, 3), ahead=0)
    np.testing.assert_array_equal(track.settle(10, frames(4, 5), ahead=0), [4, 5])
    np.testing.assert_array_equal(track.settle(0, frames(6, 7), ahead=0), [6, 7])


def test_what_it_gives_and_takes_is_not_shared() -> None:
    track, found = PitchTrack(), frames(1, 2)
    track.settle(0, found, ahead=0)[:] = 9
    found[:] = 8
    np.testing.assert_array_equal(track.settle(0, frames(0, 0), ahead=0), [1, 2])


def test_phases_go_on_where_a_window_begins() -> None:
    track = PitchTrack()
    assert track.phase_at(0) == track.phase_at(-5) == 0.0
    track.keep_phases(-1, np.array([0.0, 0.25, 1.5, -0.25]))
    assert [track.phase_at(frame) for frame in (-1, 0, 1, 2)] == [0.0, 0.25, 0.5, 0.75]
    assert track.phase_at(3) == 0.0
