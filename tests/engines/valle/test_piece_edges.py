"""Pieces meet without a click and without a silence that is not in the text."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.engines.valle.piece_edges import FADE, RATE, followed, joinable


def piece(before: float = 0.3, behind: float = 0.5, level: float = 0.5) -> np.ndarray:
    """A second of a tone that begins and ends at its height, in silence."""
    tone = level * np.cos(np.arange(RATE) * 2 * np.pi * 200 / RATE)
    parts = (np.zeros(round(before * RATE)), tone, np.zeros(round(behind * RATE)))
    return np.concatenate(parts).astype(np.float32)


@pytest.mark.parametrize(
    ("begins", "ends", "least", "most"),
    [(True, True, 1.8, 1.8), (True, False, 1.3, 1.36), (False, True, 1.5, 1.52),
     (False, False, 1.0, 1.08)],
)  # fmt: skip
def test_silence_towards_a_neighbour_goes(
    begins: bool, ends: bool, least: float, most: float
) -> None:
    found = joinable(piece(), begins, ends)
    assert least <= found.size / RATE <= most
    assert np.abs(found).max() == pytest.approx(0.5, abs=1e-3)


def test_a_join_does_not_click() -> None:
    """Also where a piece sounds up to its very edge."""
    loud = piece(before=0.0, behind=0.0)
    usual = np.abs(np.diff(loud)).max()
    joined = np.concatenate(
        [joinable(loud.copy(), True, False), joinable(loud.copy(), False, True)]
    )
    assert np.abs(np.diff(joined)).max() < 1.5 * usual
    assert joined[0] == joined[-1] == 0.0


def test_the_pause_follows_the_sound() -> None:
    sound = joinable(piece(), True, False)
    assert followed(sound, 0.3).size == sound.size + round(0.3 * RATE)
    assert followed(sound, 0.0) is sound


@pytest.mark.parametrize("size", [0, 1, FADE, 3 * FADE])
def test_whatever_is_short_or_silent_passes(size: int) -> None:
    assert joinable(np.zeros(size, np.float32), True, True).size == size
    assert not joinable(np.zeros(size, np.float32), False, False).any()
    assert joinable(np.full(size, 0.5, np.float32), False, True).size <= size
