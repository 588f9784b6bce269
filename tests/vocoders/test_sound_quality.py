"""Figures of quality are what their names say."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from realtime.vocoders.sound_quality import compare

SOUND = torch.sin(torch.arange(8_000) / 9)[None]


def test_equal_sounds_are_equal_in_every_figure() -> None:
    found = compare(SOUND, SOUND)
    assert (found.mse, found.mae, found.max_error, found.log_spectral_distance_db) == (0, 0, 0, 0)
    assert found.snr_db == math.inf
    assert found.similarity == 1 and found.cosine == pytest.approx(1)
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["snr_db"] is None


def test_a_tenth_of_the_power_is_ten_decibels() -> None:
    noise = torch.randn(SOUND.shape, generator=torch.Generator().manual_seed(1))
    noise -= noise.mean()
    noise *= (SOUND - SOUND.mean()).square().mean().sqrt() / noise.square().mean().sqrt()
    found = compare(SOUND + noise * 10**-0.5, SOUND)
    assert found.snr_db == pytest.approx(10, abs=1e-3)
    assert found.similarity == pytest.approx(1 - found.mae)
    assert found.cosine == pytest.approx((1 / 1.1) ** 0.5, abs=0.01)


def test_a_mean_is_told_and_not_judged() -> None:
    found = compare(SOUND + 0.25, SOUND)
    assert found.offset == pytest.approx(0.25, abs=1e-6)
    assert found.max_error == pytest.approx(0, abs=1e-6)


def test_twice_as_loud_is_six_decibels_in_every_band() -> None:
    noise = torch.randn(1, 8_000, generator=torch.Generator().manual_seed(2))
    assert compare(2 * noise, noise).log_spectral_distance_db == pytest.approx(6.02, abs=0.05)


@pytest.mark.parametrize("length", [1, 2, 100])
def test_short_sounds_have_figures_too(length: int) -> None:
    found = compare(torch.ones(2, 1, length), torch.ones(2, 1, length))
    assert found.snr_db == math.inf and found.log_spectral_distance_db == 0


def test_arrays_are_sounds_too() -> None:
    louder = SOUND.numpy() * np.float32(1.001)
    assert compare(louder, SOUND.numpy()) == compare(torch.from_numpy(louder), SOUND)


def test_broken_sounds_are_not_near() -> None:
    found = compare(SOUND * torch.nan, SOUND)
    assert found.snr_db == -math.inf
    with pytest.raises(ValueError, match="shapes differ"):
        compare(SOUND, SOUND[:, 1:])
