"""Numbers that say how alike two sounds are, worked out right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from realtime.engines.likeness import likeness

SOUND = np.sin(np.arange(4_000) / 7).astype(np.float32)


def test_the_same_sound_is_the_same_also_with_an_offset() -> None:
    found = likeness(SOUND, SOUND)
    assert found["mse"] == found["mae"] == found["max_error"] == 0
    assert found["similarity"] == 1 and found["snr_db"] == math.inf
    assert found["log_spectral_distance_db"] == 0
    assert likeness(SOUND + np.float32(0.5), SOUND)["max_error"] < 1e-6


def test_a_known_error_has_its_known_ratio() -> None:
    noise = np.where(np.arange(SOUND.size) % 2, 0.01, -0.01).astype(np.float32)
    found = likeness(SOUND + noise, SOUND)
    assert found["mae"] == pytest.approx(0.01, rel=1e-3)
    assert found["mse"] == pytest.approx(1e-4, rel=1e-3)
    assert found["snr_db"] == pytest.approx(10 * math.log10(SOUND.var() / 1e-4), abs=0.01)
    assert found["log_spectral_distance_db"] > 0.1


def test_half_as_loud_is_six_decibels_away() -> None:
    loud = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    found = likeness(loud / 2, loud)
    assert found["log_spectral_distance_db"] == pytest.approx(6.02, abs=0.01)
    assert found["snr_db"] == pytest.approx(6.02, abs=0.01)


def test_short_and_silent_sounds_and_other_lengths() -> None:
    silent = np.zeros(10, np.float32)
    assert likeness(silent, silent)["snr_db"] == math.inf
    assert likeness(silent + np.float32([1] + 9 * [0]), silent)["snr_db"] == -math.inf
    with pytest.raises(ValueError, match="lengths"):
        likeness(SOUND, SOUND[1:])
