"""Tests of framing: frames hold all sound, in order, in 20 to 60 ms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from realtime.audio.samples import RATES, Pcm
from realtime.live.framing import Framer, audible, frames_of

RATE = 24000


def framed(parts: list[Pcm], target: int = RATE) -> list[Pcm]:
    framer = Framer(RATE, target)
    found = [frame for part in parts for frame in framer.feed(part)]
    return found + list(framer.finish())


def sound(samples: int, seed: int = 0) -> Pcm:
    return np.random.default_rng(seed).integers(-9000, 9000, samples).astype(np.int16)


@given(st.lists(st.integers(0, 5_000), max_size=20))
def test_the_frames_are_the_sound(sizes: list[int]) -> None:
    parts = [sound(size, seed) for seed, size in enumerate(sizes)]
    found = framed(parts)
    whole = np.concatenate([np.zeros(0, np.int16), *parts])
    assert np.array_equal(np.concatenate([np.zeros(0, np.int16), *found]), whole)
    assert all(0.02 * RATE <= frame.size <= 0.06 * RATE for frame in found[:-1])
    assert all(0 < frame.size <= 0.06 * RATE for frame in found)


def test_everything_leaves_with_its_part_unless_it_is_very_short() -> None:
    framer = Framer(RATE, RATE)
    assert sum(frame.size for frame in framer.feed(sound(2_026))) == 2_026
    assert not list(framer.feed(sound(479)))
    assert sum(frame.size for frame in framer.feed(sound(100))) == 579
    assert not list(framer.finish())


@pytest.mark.parametrize("size", [0, 1, 1_440, 1_441, 5_000])
def test_sound_that_may_not_wait_leaves_in_frames_of_at_most_60_ms(size: int) -> None:
    whole = sound(size)
    found = list(frames_of(whole, RATE))
    assert np.array_equal(np.concatenate([np.zeros(0, np.int16), *found]), whole)
    assert all(0 < frame.size <= 0.06 * RATE for frame in found)


@pytest.mark.parametrize("rate", RATES)
def test_other_rates_have_the_same_seconds_however_it_comes(rate: int) -> None:
    whole = sound(RATE)
    one = np.concatenate(framed([whole], rate))
    many = np.concatenate(
        framed([whole[start : start + 777] for start in range(0, RATE, 777)], rate)
    )
    assert np.array_equal(one, many)
    assert abs(one.size - rate) <= 1


@trying(max_examples=20)
@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=8), st.sampled_from(RATES))
def test_other_rates_keep_the_lengths(sizes: list[int], rate: int) -> None:
    found = framed([sound(size) for size in sizes], rate)
    assert all(0.02 * rate <= frame.size <= 0.06 * rate for frame in found[:-1])


def test_what_is_heard_is_told_from_what_is_not() -> None:
    assert not audible(np.full(10, 300, np.int16))
    assert audible(np.array([0, -301], np.int16)) and audible(np.array([-32768], np.int16))
