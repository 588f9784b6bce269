"""Noise belongs to a seed, the phones and a place."""

from __future__ import annotations

import numpy as np

from realtime.engines.gpt_sovits.random_numbers import SentenceNoise


def test_each_place_has_its_own_numbers_for_ever() -> None:
    noise = SentenceNoise(7, [1, 2, 3])
    assert np.array_equal(noise.codes(5), SentenceNoise(7, [1, 2, 3]).codes(5))
    assert np.array_equal(noise.frames(0, 8, 4)[:, 3:6], noise.frames(3, 3, 4))
    for other in (SentenceNoise(8, [1, 2, 3]), SentenceNoise(7, [1, 2, 4])):
        assert not np.array_equal(noise.codes(5), other.codes(5))
    assert not np.array_equal(noise.codes(5), noise.codes(6))


def test_numbers_are_of_their_kind() -> None:
    noise = SentenceNoise(1, [1])
    codes = np.concatenate([noise.codes(step) for step in range(50)])
    frames = noise.frames(0, 500, 100)
    assert codes.min() > 0 and abs(codes.mean() - 1) < 0.02 and abs(codes.std() - 1) < 0.02
    assert abs(frames.mean()) < 0.02 and abs(frames.std() - 1) < 0.02
