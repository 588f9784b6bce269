"""Sounds at another rate are those of the published code, and odd rates take no memory."""

from __future__ import annotations

from unittest import mock

import pytest
import torch

from realtime.engines.gpt_sovits.networks.resample import resample
from tests.support.gpt_sovits_files import tensor

FIXTURE = "mel_cases"


@pytest.mark.parametrize(
    ("source", "target"),
    [(44_100, 32_000), (32_000, 16_000), (48_000, 24_000), (22_050, 32_000)],
)
def test_the_sound_is_that_of_the_published_code(source: int, target: int) -> None:
    case = f"resample_{source}_{target}"
    found = resample(tensor(FIXTURE, f"{case}.in.wav"), source, target)
    expected = tensor(FIXTURE, f"{case}.out.wav")
    assert found.shape == expected.shape and (found - expected).abs().max() < 1e-4


def test_odd_rates_need_no_huge_filter() -> None:
    times = torch.arange(44_101) / 44_101
    tone = torch.sin(2 * torch.pi * 440 * times)[None].repeat(2, 1)
    with mock.patch("torchaudio.functional.resample", side_effect=AssertionError):
        found = resample(tone, 44_101, 32_000)
    expected = torch.sin(2 * torch.pi * 440 * torch.arange(32_000) / 32_000)
    assert found.shape == (2, 32_000)
    assert (found - expected)[:, 500:-500].abs().max() < 1e-3
