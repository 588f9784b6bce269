"""Pitch by every method: of a voice, of silence, of any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.audio.samples import Samples
from realtime.engines.voice_features.pitch import METHODS, PitchEstimator, pitch_files, share_pitch
from realtime.errors import BadRequest, Unavailable, WeightsMissing
from realtime.settings import ModelsSettings, Settings
from tests.support.converter_fixtures import tensor, weights

RATE = 16_000
READY = ("fcpe", "swift_f0", "world")  # those that need no file from elsewhere


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("models")
    (folder / "rmvpe").mkdir()
    torch.save(weights("rmvpe_tiny"), folder / "rmvpe" / "rmvpe.pt")
    return Settings(models=ModelsSettings(path=folder))


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def estimator(method: str, settings: Settings) -> PitchEstimator:
    found = share_pitch(method, settings, "cpu")
    found.load()
    return found


def buzz(pitch: Samples) -> Samples:
    """Make a voice without formants at these pitches, one for each sample."""
    phase = np.cumsum(pitch / RATE)
    sound = sum(np.sin(2 * np.pi * n * phase) / n for n in range(1, 12))
    return (0.1 * sound).astype(np.float32)


def cents(found: Samples, expected: Samples) -> Samples:
    return np.abs(1_200 * np.log2(found / expected))


@pytest.mark.parametrize("method", READY)
@pytest.mark.parametrize("pitch", [110.0, 220.0, 440.0])
def test_a_voice_has_its_pitch(method: str, pitch: float, settings: Settings) -> None:
    sound = buzz(np.full(RATE, pitch))
    found = share_pitch(method, settings, "cpu").pitch(sound)[10:-10]
    assert np.mean(found > 0) > 0.95
    assert np.median(cents(found[found > 0], np.full((found > 0).sum(), pitch))) < 20


@pytest.mark.parametrize("method", READY)
def test_a_glide_is_found_where_it_is(method: str, settings: Settings) -> None:
    """A wrong time of the frames shows as a pitch that is too high or too low throughout."""
    rising = 150.0 * 2 ** (np.arange(2 * RATE) / RATE)  # an octave a second: 12 cents a frame
    found = share_pitch(method, settings, "cpu").pitch(buzz(rising))[20:-20]
    expected = rising[:: RATE // 100][20 : 20 + found.size]
    voiced = found > 0
    assert voiced.mean() > 0.9
    off = 1_200 * np.log2(found[voiced] / expected[voiced])
    assert abs(np.median(off)) < 15


@pytest.mark.parametrize("method", READY)
def test_silence_has_no_pitch(method: str, settings: Settings) -> None:
    assert not share_pitch(method, settings, "cpu").pitch(np.zeros(RATE, np.float32)).any()


@pytest.mark.slow
@pytest.mark.parametrize("method", READY)
@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize("level", [0.2, 0.05, 0.01])
def test_noise_has_hardly_any(method: str, colour: str, level: float, settings: Settings) -> None:
    """A breath that gets a pitch buzzes in the new voice."""
    white = np.fft.rfft(np.random.default_rng(1).standard_normal(2 * RATE))
    falls = np.sqrt(np.maximum(np.arange(white.size), 40)) if colour == "pink" else 1.0
    noise = np.fft.irfft(white / falls)
    noise = (level * noise / noise.std()).astype(np.float32)
    assert np.mean(share_pitch(method, settings, "cpu").pitch(noise) > 0) < 0.1


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 255, 256, 1_000, 8_000, 8_001])
def test_there_is_a_frame_each_10_ms(estimator: PitchEstimator, samples: int) -> None:
    found = estimator.pitch(buzz(np.full(max(samples, 1), 200.0))[:samples])
    assert found.shape == (samples // 160 + 1,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all() and (found >= 0).all()


def test_rmvpe_is_that_of_the_published_code(settings: Settings) -> None:
    sound = tensor("rmvpe_tiny", "in.wav").numpy()
    found = share_pitch("rmvpe", settings, "cpu").pitch(sound)
    expected = tensor("rmvpe_tiny", "out.f0").numpy()
    assert np.isclose(found, expected, rtol=1e-3, atol=0).mean() >= 0.99


def test_voices_of_a_device_share_an_estimator(method: str, settings: Settings) -> None:
    found = share_pitch(method, settings, "cpu")
    assert share_pitch(method, settings, "cpu") is found


def test_a_missing_file_says_where_it_goes(tmp_path: Path) -> None:
    nowhere = Settings(models=ModelsSettings(path=tmp_path))
    with pytest.raises(WeightsMissing) as missing:
        share_pitch("rmvpe", nowhere, "cpu").load()
    assert str(tmp_path / "rmvpe" / "rmvpe.pt") in missing.value.message


@pytest.mark.parametrize("method", ["fcpe", "swift_f0"])
def test_a_packages_file_is_asked_for_by_one_command(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.weights.packaged_path", lambda name: None)
    nowhere = Settings(models=ModelsSettings(path=tmp_path))
    with pytest.raises(WeightsMissing) as missing:
        share_pitch(method, nowhere, "cpu").load()
    assert "un `make serve" in str(missing.value.hint)


def test_another_network_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "rmvpe" / "rmvpe.pt"
    path.parent.mkdir()
    torch.save({"model": {"unet.more": torch.zeros(1)}}, path)
    with pytest.raises(Unavailable, match=r"rmvpe.pt cannot be used: .* is missing"):
        share_pitch("rmvpe", Settings(models=ModelsSettings(path=tmp_path)), "cpu").load()


def test_an_unknown_method_names_the_known_ones(settings: Settings) -> None:
    with pytest.raises(BadRequest, match="'harvest'; there are: fcpe, rmvpe, swift_f0, world"):
        share_pitch("harvest", settings, "cpu")
    assert pitch_files("world") == ()
    assert [file.name for file in pitch_files("rmvpe")] == ["rmvpe.pt"]
