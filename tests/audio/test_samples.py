"""Samples keep their values, and cuts leave no trace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.samples import (
    RATES,
    Pcm,
    Resampler,
    first_audible,
    from_pcm16,
    silence,
    to_pcm16,
)


def noise(length: int) -> Pcm:
    return np.random.default_rng(length).integers(-9000, 9000, length).astype(np.int16)


def resampled(pcm: Pcm, rates: tuple[int, int], cuts: list[int]) -> Pcm:
    resampler = Resampler(*rates)
    parts = [resampler.feed(part) for part in np.split(pcm, sorted(cuts))]
    return np.concatenate([*parts, resampler.finish()])


def test_every_value_comes_back() -> None:
    pcm = np.arange(-32768, 32768).astype(np.int16)
    assert np.array_equal(to_pcm16(from_pcm16(pcm)), pcm)
    assert from_pcm16(pcm).dtype == np.float32
    assert np.abs(from_pcm16(pcm)).max() <= 1.0


def test_loud_is_clipped_and_no_number_is_silence() -> None:
    odd = np.array([2.0, -2.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e38], np.float32)
    assert to_pcm16(odd).tolist() == [32767, -32768, 32767, -32768, 0, 0, 0, 32767]


def test_values_between_are_rounded_not_cut_off() -> None:
    between = np.array([10.6, -10.6, 10.4, -10.4], np.float32) / np.float32(32768)
    assert to_pcm16(between).tolist() == [11, -11, 10, -10]


@given(
    st.sampled_from(RATES),
    st.sampled_from(RATES),
    st.integers(0, 20000),
    st.lists(st.integers(0, 20000), max_size=6),
)
def test_resampling_keeps_length_and_knows_no_cuts(
    source: int, target: int, length: int, cuts: list[int]
) -> None:
    pcm = noise(length)
    whole = resampled(pcm, (source, target), [])
    assert abs(whole.size - length * target / source) <= 1
    assert np.array_equal(resampled(pcm, (source, target), cuts), whole)


def test_equal_rates_change_nothing() -> None:
    assert np.array_equal(resampled(noise(500), (24000, 24000), [7]), noise(500))


@pytest.mark.parametrize("target", [8000, 22050, 44100, 48000])
def test_resampling_keeps_pitch_and_level(target: int) -> None:
    tone = to_pcm16((0.5 * np.sin(2 * np.pi * 440 / 24000 * np.arange(24000))).astype(np.float32))
    found = from_pcm16(resampled(tone, (24000, target), []))
    spectrum = np.abs(np.fft.rfft(found))
    assert abs(int(spectrum.argmax()) - 440) <= 1
    assert np.sqrt(np.mean(found**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_silence_stays_silent_when_resampled() -> None:
    assert not resampled(to_pcm16(silence(1.0, 24000)), (24000, 48000), [100]).any()


def test_silence_has_its_length() -> None:
    assert silence(0.25, 22050).size == 5512
    assert silence(0.0, 24000).size == 0
    assert silence(0.1, 8000).dtype == np.float32


def test_the_first_audible_sample() -> None:
    samples = silence(1.0, 8000)
    assert first_audible(samples) is None
    assert first_audible(samples[:0]) is None
    samples[500] = 299 / 32768
    samples[700] = -301 / 32768
    assert first_audible(samples) == 700
    assert first_audible(samples, threshold=0.001) == 500
