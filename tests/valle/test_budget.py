"""Estimates are held, and nothing runs past what the model learnt."""

from __future__ import annotations

import pytest

from realtime.valle import budget


def test_as_quick_as_the_prompt_within_bounds() -> None:
    assert budget.estimated(10, prompt_symbols=20, prompt_frames=140) == 70
    assert budget.estimated(10, prompt_symbols=20, prompt_frames=20) == 40
    assert budget.estimated(10, prompt_symbols=20, prompt_frames=1_000) == 120


def test_what_fits_is_what_prompt_and_estimate_leave_room_for() -> None:
    assert budget.fits(75, prompt_symbols=100, prompt_frames=700)  # 525 more
    assert budget.fits(135, prompt_symbols=100, prompt_frames=700)  # 945 more: 1,645
    assert not budget.fits(136, prompt_symbols=100, prompt_frames=700)
    assert not budget.fits(380, prompt_symbols=100, prompt_frames=100)  # no slot is so long


@pytest.mark.parametrize("frames", [1, 300, budget.MOST_PROMPT])
def test_a_piece_is_ended_in_time(frames: int) -> None:
    assert budget.most(2, 3, frames) == 80
    assert budget.most(100, 100, frames) + frames == budget.MOST_FRAMES


def test_a_slot_holds_the_longest_piece() -> None:
    assert budget.MOST_SYMBOLS + budget.MOST_FRAMES + 1 == budget.PLACES
