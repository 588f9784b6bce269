"""Notices of a live conversion have the figures that people need."""

from __future__ import annotations

from realtime.conversion.notices import left_out_notice, overload_notice


def test_a_notice_says_how_long_blocks_are_and_what_was_measured() -> None:
    usual = overload_notice("larger_blocks", 0.08)
    assert usual.code == "larger_blocks" and "80 ms" in usual.message
    measured = overload_notice("bypass", 0.5, 1.64)
    assert (usual.load, measured.load) == (None, 1.64)
    assert measured.code == "bypass" and "took 1.6 s to convert a second" in measured.message


def test_sound_that_was_left_out_is_told_in_milliseconds() -> None:
    notice = left_out_notice(1.25)
    assert notice.code == "bypass" and notice.message.startswith("1250 ms")
