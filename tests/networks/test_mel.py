"""Mels are those that vocoders are trained on."""

from __future__ import annotations

import pytest
import torch
import torchaudio

from realtime.networks.mel import FLOOR, MelFormat, _band_filters, log_mel
from tests.support.converter_fixtures import tensor

FORMS = {
    "v3": MelFormat(24_000, 1_024, 256, 1_024, 100),
    "v4": MelFormat(32_000, 1_280, 320, 1_280, 100),
    "fmax 8k": MelFormat(22_050, 1_024, 256, 1_024, 80, 0.0, 8_000.0),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_bands_are_slaneys(name: str) -> None:
    form = FORMS[name]
    expected = torchaudio.functional.melscale_fbanks(
        form.fft // 2 + 1,
        form.lowest,
        form.highest or form.sample_rate / 2,
        form.bands,
        form.sample_rate,
        norm="slaney",
        mel_scale="slaney",
    )
    assert (_band_filters(form) - expected.T).abs().max() < 1e-5


@pytest.mark.parametrize("name", FORMS)
def test_a_frame_every_hop_and_silence_at_the_floor(name: str) -> None:
    form = FORMS[name]
    silent = log_mel(torch.zeros(2, 20 * form.hop + 7), form)
    assert silent.shape == (2, form.bands, 20)
    # The spectrum's own small floor lies above that of the bands in none of them.
    assert silent.min() >= torch.tensor(FLOOR).log() - 1e-6


@pytest.mark.parametrize("name", FORMS)
def test_a_long_sound_in_pieces_has_the_mel_of_the_whole(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = FORMS[name]
    sound = torch.randn(1, 33 * form.hop + 5, generator=torch.Generator().manual_seed(1))
    whole = log_mel(sound, form)
    for frames in (1, 7, 33):
        monkeypatch.setattr("realtime.networks.mel.FRAMES_AT_ONCE", frames)
        assert torch.allclose(log_mel(sound, form), whole, atol=1e-6)


def test_the_bands_of_htks_scale_are_the_published_ones() -> None:
    form = MelFormat(16_000, 1_024, 160, 1_024, 128, 30.0, 8_000.0, htk=True)
    expected = tensor("rmvpe_tiny", "out.mel_basis")
    assert (_band_filters(form) - expected).abs().max() < 1e-6


def test_a_tone_is_loudest_in_its_band() -> None:
    form = FORMS["v3"]
    times = torch.arange(24_000) / 24_000
    mel = log_mel(torch.sin(2 * torch.pi * 1_000 * times)[None], form)[0, :, 40]
    bins = torch.linspace(0, 12_000, 513)
    weights = _band_filters(form)[int(mel.argmax())]
    centre = (weights * bins).sum() / weights.sum()
    assert abs(float(centre) - 1_000) < 60
