"""Random numbers depend on the seed, the words and the step alone."""

from __future__ import annotations

import numpy as np

from realtime.engines.valle.random_numbers import BITS, draw_numbers


def test_a_longer_line_begins_with_the_same_numbers() -> None:
    assert np.array_equal(draw_numbers(7, (1, 2), 0, 40), draw_numbers(7, (1, 2), 0, 90)[:40])


def test_seed_words_and_attempt_each_change_them() -> None:
    distinct = {tuple(draw_numbers(*facts, 5)) for facts in [(7, (1, 2), 0), (8, (1, 2), 0)]}
    distinct |= {tuple(draw_numbers(*facts, 5)) for facts in [(7, (1, 3), 0), (7, (1, 2), 1)]}
    assert len(distinct) == 4


def test_they_fill_their_24_bits() -> None:
    many = draw_numbers(0, (), 0, 20_000)
    assert 0 <= many.min() < 0.001 * (1 << BITS) and 0.999 * (1 << BITS) < many.max() < 1 << BITS
