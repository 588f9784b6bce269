"""Spectrograms and mels of a reference are those of the published code."""

from __future__ import annotations

import pytest
import torch

from realtime.engines.gpt_sovits.networks.spectrogram import (
    PROMPT_MELS,
    denormalised,
    prompt_mel,
    spectrogram,
)
from realtime.networks.mel import log_mel
from tests.support.gpt_sovits_files import arguments, tensor

FIXTURE = "mel_cases"
NEAR = 1e-4


def test_the_spectrogram_is_that_of_the_published_code() -> None:
    found = spectrogram(tensor(FIXTURE, "spectrogram.in.wav"))
    expected = tensor(FIXTURE, "spectrogram.out.spec")
    assert found.shape == expected.shape and (found - expected).abs().max() < NEAR


@pytest.mark.parametrize("version", PROMPT_MELS)
def test_the_mel_of_the_prompt_is_that_of_the_published_code(version: str) -> None:
    sound, mel_format = tensor(FIXTURE, f"mel_{version}.in.wav"), PROMPT_MELS[version]
    said = arguments(FIXTURE, f"mel_{version}.args")
    assert (said["sr"], said["n_fft"], said["hop"]) == (
        mel_format.sample_rate,
        mel_format.fft,
        mel_format.hop,
    )
    mel, normal = log_mel(sound, mel_format), prompt_mel(sound, mel_format)
    assert (mel - tensor(FIXTURE, f"mel_{version}.out.mel")).abs().max() < NEAR
    assert (normal - tensor(FIXTURE, f"mel_{version}.out.normal")).abs().max() < NEAR
    assert torch.allclose(denormalised(normal), mel, atol=1e-5)


def test_near_silence_the_small_number_under_the_root_counts() -> None:
    """The vocoders' own mels have another; the largest difference is seen in silence."""
    silent = torch.zeros(1, 8_000)
    mel_format = PROMPT_MELS["v4"]
    assert mel_format.tiny == 1e-8
    magnitude = spectrogram(torch.zeros(1, 12_800))
    assert torch.allclose(magnitude, torch.full_like(magnitude, 1e-4))
    assert log_mel(silent, mel_format).isfinite().all()
