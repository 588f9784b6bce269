"""Resampling: the same sound at the same time, however it is cut, and a little faster if asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.samples import RATES
from realtime.conversion.resampler import Samples, StreamResampler


def sine(rate: int, pitch: float = 1_000.0, seconds: float = 0.5) -> Samples:
    return np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("target", [16000, 24000, 48000])
def test_a_sine_stays_where_it_is(source: int, target: int) -> None:
    found = StreamResampler(source, target).feed(sine(source))
    expected = sine(target)
    assert 0 <= expected.size - found.size <= 0.0041 * target
    quiet = found[target // 50 :] - expected[target // 50 : found.size]
    assert np.abs(quiet).max() < 1e-4


def test_what_the_lower_rate_cannot_hold_is_gone() -> None:
    found = StreamResampler(48000, 16000).feed(sine(48000, 9_500.0))
    assert np.abs(found[400:]).max() < 1e-3


@given(st.lists(st.integers(0, 900), max_size=12), st.sampled_from(RATES), st.sampled_from(RATES))
def test_cuts_are_not_heard(cuts: list[int], source: int, target: int) -> None:
    sound = sine(source, 440.0, 0.1)
    parts = np.split(sound, sorted(cut for cut in cuts if cut < sound.size))
    cut, whole = StreamResampler(source, target), StreamResampler(source, target)
    found = np.concatenate([cut.feed(part) for part in parts])
    assert np.array_equal(found, whole.feed(sound))


@given(st.integers(1, 2_000), st.integers(0, 2_000), st.sampled_from(RATES), st.sampled_from(RATES))
def test_exactly_what_is_needed_gives_what_was_asked(
    count: int, before: int, source: int, target: int
) -> None:
    resampler = StreamResampler(source, target)
    resampler.feed(np.zeros(before, np.float32))
    needed = resampler.input_needed(count)
    given_now = resampler.feed(np.zeros(needed, np.float32)).size
    assert given_now >= count
    if needed:
        again = StreamResampler(source, target)
        again.feed(np.zeros(before, np.float32))
        assert again.feed(np.zeros(needed - 1, np.float32)).size < count


@pytest.mark.parametrize("ratio", [0.995, 0.9998, 1.0002, 1.005])
def test_a_ratio_changes_length_and_pitch(ratio: float) -> None:
    resampler = StreamResampler(24000, 24000, adjustable=True)
    resampler.set_ratio(ratio)
    found = resampler.feed(sine(24000, 1_000.0, 4.0))
    assert found.size == pytest.approx(96_000 / ratio, abs=40)
    expected = np.sin(2 * np.pi * 1_000.0 * ratio * np.arange(found.size) / 24000)
    assert np.abs(found[600:] - expected[600:]).max() < 1e-3


def test_equal_rates_pass_untouched() -> None:
    sound = sine(24000)
    assert StreamResampler(24000, 24000).feed(sound) is sound
