"""Vocoders as published and in their fast form have the same weights and the same sound."""

from __future__ import annotations

import copy

import pytest
import torch

from realtime.vocoders.networks.bigvgan import BigVGAN
from realtime.vocoders.networks.hifigan import Generator
from realtime.vocoders.networks.layers import Conv, Stretch
from tests.support.small_vocoders import small


@pytest.mark.parametrize("kind", ["bigvgan", "hifigan"])
@pytest.mark.parametrize("frames", [1, 2, 17])
def test_the_fast_form_is_the_published_one(kind: str, frames: int) -> None:
    made, mel = small(kind), torch.randn(3, 6, frames)
    with torch.inference_mode():
        expected = made.plain()(mel)
        found = made.fast()(mel)
        again = made.plain()(mel)
    assert expected.shape == (3, 1, frames * made.hop)
    assert (found - expected).abs().max() < 1e-5
    assert torch.equal(again, expected)


@pytest.mark.slow
def test_the_widest_signal() -> None:
    with torch.device("meta"):
        assert BigVGAN().width == 24 * 256
        assert Generator().width == 128 * 60


def test_stages_are_a_stretch_and_its_blocks() -> None:
    made = small("hifigan")
    assert [(s.out_channels, len(blocks)) for s, blocks in made.stages()] == [(4, 2), (2, 2)]


@pytest.mark.parametrize("kind", ["bigvgan", "hifigan"])
def test_shortened_weights_lie_as_their_signals_do(kind: str) -> None:
    made, mel = small(kind), torch.randn(2, 6, 17)
    with torch.no_grad():
        expected = made.plain().to(torch.bfloat16)(mel.bfloat16())
    made = small(kind).fast()
    before = made.conv_pre.weight.data_ptr()
    short = copy.deepcopy(made).to(torch.bfloat16)
    for layer in short.modules():
        if isinstance(layer, Conv | Stretch):
            weight = layer.weight.unsqueeze(2)
            assert weight.is_contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        found = short(mel.bfloat16())
    assert (found - expected).float().std() < 0.1 * expected.float().std()
    assert made.conv_pre.weight.is_contiguous() and made.conv_pre.weight.data_ptr() == before


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["bigvgan", "hifigan"])
@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16])
def test_the_fast_form_of_16_bits_on_a_gpu(kind: str, number: torch.dtype) -> None:
    made, mel = small(kind).cuda(), torch.randn(3, 6, 50, device="cuda")
    with torch.no_grad():
        expected = made.plain()(mel)
        found = copy.deepcopy(made.fast()).to(number)(mel.to(number)).float()
    assert (found - expected).std() < 0.1 * expected.std()
