"""Noise by place: the same for a place however it is asked for, and of the right kind."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.engines.positional_noise import PLACES, PositionalNoise


@pytest.mark.parametrize("kind", ["normal", "uniform"])
@pytest.mark.parametrize("first", [0, 5, PLACES - 1, -PLACES, -7, 10**12])
def test_a_place_has_its_number_however_it_is_asked_for(kind: str, first: int) -> None:
    draw = getattr(PositionalNoise(3, "source"), kind)
    whole = draw(first, 2 * PLACES, 3)
    assert whole.shape == (2 * PLACES, 3) and whole.dtype == np.float32
    for at, count in ((0, 1), (1, PLACES), (PLACES - 1, 2), (700, 1_300)):
        np.testing.assert_array_equal(draw(first + at, count, 3), whole[at : at + count])
    assert draw(first, 0).shape == (0, 1)


def test_seeds_and_purposes_have_numbers_of_their_own() -> None:
    drawn = [
        PositionalNoise(seed, purpose).normal(0, 8).tobytes()
        for seed in (0, 1, -1)
        for purpose in ("source", "latent")
    ]
    assert len(set(drawn)) == len(drawn)


def test_numbers_are_spread_as_they_should_be() -> None:
    normal = PositionalNoise(1, "a").normal(-50_000, 100_000)[:, 0]
    assert abs(normal.mean()) < 0.02 and abs(normal.std() - 1) < 0.02
    assert abs(np.corrcoef(normal[:-PLACES], normal[PLACES:])[0, 1]) < 0.02
    uniform = PositionalNoise(1, "a").uniform(0, 100_000)
    assert uniform.min() >= 0 and uniform.max() < 1 and abs(uniform.mean() - 0.5) < 0.01
