"""Both vocoders as published and in their quick form: the same weights, the same sound."""

from __future__ import annotations

import pytest
import torch

from realtime.networks.bigvgan import BigVGAN
from realtime.networks.hifigan import Generator
from tests.networks.made import small


@pytest.mark.parametrize("kind", ["bigvgan", "hifigan"])
@pytest.mark.parametrize("frames", [1, 2, 17])
def test_the_quick_form_is_the_published_one(kind: str, frames: int) -> None:
    made, mel = small(kind), torch.randn(3, 6, frames)
    with torch.inference_mode():
        expected = made.plain()(mel)
        found = made.fast()(mel)
        again = made.plain()(mel)
    assert expected.shape == (3, 1, frames * made.hop)
    assert (found - expected).abs().max() < 1e-5
    assert torch.equal(again, expected)


def test_the_widest_signal() -> None:
    with torch.device("meta"):
        assert BigVGAN().width == 24 * 256
        assert Generator().width == 128 * 60


def test_stages_are_a_stretch_and_its_blocks() -> None:
    made = small("hifigan")
    assert [(s.out_channels, len(blocks)) for s, blocks in made.stages()] == [(4, 2), (2, 2)]
