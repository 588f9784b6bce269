"""The published programs' numbers around a voice."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from realtime.engines.ddsp_svc import features
from realtime.engines.ddsp_svc.networks.mel import voice_mel
from realtime.networks.mel import MelFormat
from tests.support.converter_files import ConverterReference

NEAR = 1e-5
FEATURES = ConverterReference("ddsp_features")
RATES = (44_100, 48_000)


def array(key: str) -> np.ndarray:
    return FEATURES.tensor(key).numpy()


def hop_at(rate: int) -> float:
    return 512 * rate / 44_100


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("unit_hop", [320, 160])
def test_units_are_aligned_half_to_even(rate: int, unit_hop: int) -> None:
    expected = array(f"out.unit_index_{rate}_{unit_hop}")
    count = int(expected.max()) + 1
    found = features.unit_index(expected.size, hop_at(rate), rate, unit_hop, count)
    assert np.array_equal(found, expected)
    later = features.unit_index(expected.size - 7, hop_at(rate), rate, unit_hop, count, first=7)
    assert np.array_equal(later, expected[7:])


def test_half_goes_to_the_even_unit() -> None:
    found = features.unit_index(6, 160, 16_000, 320, 100)
    assert found.tolist() == [0, 0, 1, 2, 2, 2]


@pytest.mark.parametrize("rate", RATES)
def test_the_volume_of_60_is_the_published_one(rate: int) -> None:
    found = features.frame_volume(array("in.audio"), hop_at(rate))
    np.testing.assert_allclose(found, array(f"out.volume_60_{rate}"), atol=NEAR, rtol=0)


@pytest.mark.parametrize("smooth", [1_024, 8_192])
def test_the_volume_of_62_is_the_published_one(smooth: int) -> None:
    found = features.smooth_volume(array("in.audio"), 512, 44_100, smooth)
    np.testing.assert_allclose(found, array(f"out.volume_62_{smooth}"), atol=NEAR, rtol=0)


@pytest.mark.parametrize("rate", RATES)
def test_the_sound_for_the_encoder_is_the_published_one(rate: int) -> None:
    found = features.content_sound(FEATURES.tensor("in.audio")[None], rate)
    expected = FEATURES.tensor(f"out.audio16k_{rate}")
    torch.testing.assert_close(found, expected, atol=NEAR, rtol=0)


def test_a_sound_too_short_for_the_encoder_gets_silence() -> None:
    assert features.content_sound(torch.ones(1, 100), 16_000).tolist()[0][99:101] == [1.0, 0.0]
    assert features.content_sound(torch.ones(1, 100), 16_000).shape == (1, 400)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("front", [0.0, 0.2])
def test_the_pitch_of_frames_is_the_published_one(rate: int, front: float) -> None:
    expected = array(f"out.f0_frames_{rate}_silence{front}")
    silent = int(front * rate / hop_at(rate))
    pitch = array("in.f0_10ms")[round(front / 0.01) :]
    heard = features.frame_pitch(pitch, expected.size - silent, hop_at(rate), rate)
    raw = np.concatenate([np.zeros(silent), heard])
    np.testing.assert_allclose(raw, array(f"out.f0_raw_{rate}_silence{front}"), atol=NEAR, rtol=0)
    filled = features.filled_pitch(raw, 65.0)
    np.testing.assert_allclose(filled, expected, atol=NEAR, rtol=0)


def test_frames_may_begin_between_two_values() -> None:
    pitch = np.linspace(100.0, 200.0, 101)
    whole = features.frame_pitch(pitch, 60, 512, 44_100)
    later = features.frame_pitch(pitch[4:], 50, 512, 44_100, start=6 * 512 - 4 * 441)
    np.testing.assert_allclose(later, whole[6:56], atol=1e-9, rtol=0)


def test_a_sound_without_a_pitch_has_the_lowest() -> None:
    raw = features.frame_pitch(np.zeros(20), 15, 512, 44_100)
    assert not raw.any()
    assert features.filled_pitch(raw, 65.0).tolist() == [65.0] * 15


@pytest.mark.parametrize(("version", "widened"), [("60", True), ("62", False)])
def test_the_mask_is_the_published_one(version: str, widened: bool) -> None:
    volume = array("in.mask_volume")
    found = features.sound_mask(volume, -60.0, 64, widened)
    np.testing.assert_allclose(found, array(f"out.mask_{version}")[0], atol=NEAR, rtol=0)


def test_mels_are_the_published_ones_also_of_a_short_sound() -> None:
    mel_format = MelFormat(44_100, 2_048, 512, 2_048, 40, 40, 16_000)
    audio = FEATURES.tensor("in.audio")[None]
    expected = FEATURES.tensor("out.mel_key0")
    torch.testing.assert_close(voice_mel(audio, mel_format), expected, atol=1e-4, rtol=0)
