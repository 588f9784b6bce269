"""Estimates are within their bounds, and no piece is longer than the model learnt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.valle import budget

PROMPTS = st.tuples(st.integers(1, budget.MOST_PROMPT_SYMBOLS), st.integers(1, budget.MOST_PROMPT))


def test_as_quick_as_the_prompt_within_bounds() -> None:
    assert budget.estimate_frames(10, prompt_symbols=20, prompt_frames=140) == 70
    assert budget.estimate_frames(10, prompt_symbols=20, prompt_frames=20) == 40
    assert budget.estimate_frames(10, prompt_symbols=20, prompt_frames=1_000) == 120


def test_what_fits_is_what_prompt_and_estimate_leave_room_for() -> None:
    assert budget.fits(75, prompt_symbols=100, prompt_frames=700)  # 525 more
    assert budget.fits(135, prompt_symbols=100, prompt_frames=700)  # 945 more: 1,645
    assert not budget.fits(136, prompt_symbols=100, prompt_frames=700)
    assert not budget.fits(348, budget.MOST_PROMPT_SYMBOLS, 1)  # no slot is so long


def test_a_dense_prompt_leaves_a_line_as_much_room_as_its_frames() -> None:
    """Chinese has 490 symbols in 15 s, and then the frames are the bound, not the symbols."""
    assert budget.fits(131, prompt_symbols=490, prompt_frames=1125)
    assert not budget.fits(132, prompt_symbols=490, prompt_frames=1125)


@given(PROMPTS)
def test_every_prompt_leaves_room_for_a_piece_that_can_be_cut_in_two(
    prompt: tuple[int, int],
) -> None:
    assert budget.fits(3 * budget.FEWEST_SYMBOLS, *prompt)


@pytest.mark.parametrize("frames", [1, 300, budget.MOST_PROMPT])
def test_a_piece_is_ended_in_time(frames: int) -> None:
    assert budget.most_frames(2, 3, frames) == 80
    assert budget.most_frames(100, 100, frames) + frames == budget.MOST_FRAMES


@given(st.integers(1, 3_000), PROMPTS)
def test_no_piece_runs_past_the_model_or_its_slot(symbols: int, prompt: tuple[int, int]) -> None:
    prompt_symbols, frames = prompt
    most = budget.most_frames(symbols, prompt_symbols, frames)
    assert 1 <= most <= budget.MOST_FRAMES - frames
    if budget.fits(symbols, prompt_symbols, frames):
        assert symbols + prompt_symbols + frames + most < budget.PLACES
        assert most >= min(budget.STOP_A_SYMBOL * symbols, budget.MOST_FRAMES - frames)


def test_a_line_begins_with_a_second_where_that_saves_enough() -> None:
    assert budget.first_symbols(16, prompt_symbols=100, prompt_frames=700) is None  # 112 frames
    assert budget.first_symbols(17, prompt_symbols=100, prompt_frames=750) == 12  # never fewer
    assert budget.first_symbols(30, prompt_symbols=100, prompt_frames=500) == 15
    # Quick speech is quicker here than a bound may believe.
    assert budget.first_symbols(37, prompt_symbols=300, prompt_frames=900) is None
