"""Pieces meet without a click and without a silence that is not in the text."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.engines.valle.codes import SAMPLE_RATE
from realtime.engines.valle.piece_edges import FADE, add_pause, trim_and_fade


def make_piece(before: float = 0.3, behind: float = 0.5, level: float = 0.5) -> np.ndarray:
    """Make a second of a tone that begins and ends at its peak, with silence around it."""
    tone = level * np.cos(np.arange(SAMPLE_RATE) * 2 * np.pi * 200 / SAMPLE_RATE)
    parts = (np.zeros(round(before * SAMPLE_RATE)), tone, np.zeros(round(behind * SAMPLE_RATE)))
    return np.concatenate(parts).astype(np.float32)


@pytest.mark.parametrize(
    ("begins", "ends", "least", "most"),
    [(True, True, 1.8, 1.8), (True, False, 1.3, 1.36), (False, True, 1.5, 1.52),
     (False, False, 1.0, 1.08)],
)  # fmt: skip
def test_silence_towards_a_neighbour_goes(
    begins: bool, ends: bool, least: float, most: float
) -> None:
    edged = trim_and_fade(make_piece(), begins, ends)
    assert least <= edged.size / SAMPLE_RATE <= most
    assert np.abs(edged).max() == pytest.approx(0.5, abs=1e-3)


def test_a_join_does_not_click() -> None:
    """The pieces here sound up to their very edges."""
    loud = make_piece(before=0.0, behind=0.0)
    usual = np.abs(np.diff(loud)).max()
    joined = np.concatenate(
        [trim_and_fade(loud.copy(), True, False), trim_and_fade(loud.copy(), False, True)]
    )
    assert np.abs(np.diff(joined)).max() < 1.5 * usual
    assert joined[0] == joined[-1] == 0.0


def test_the_pause_follows_the_sound() -> None:
    sound = trim_and_fade(make_piece(), True, False)
    assert add_pause(sound, 0.3).size == sound.size + round(0.3 * SAMPLE_RATE)
    assert add_pause(sound, 0.0) is sound


@pytest.mark.parametrize("size", [0, 1, FADE, 3 * FADE])
def test_whatever_is_short_or_silent_passes(size: int) -> None:
    assert trim_and_fade(np.zeros(size, np.float32), True, True).size == size
    assert not trim_and_fade(np.zeros(size, np.float32), False, False).any()
    assert trim_and_fade(np.full(size, 0.5, np.float32), False, True).size <= size
