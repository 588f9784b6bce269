"""v4's generator gives the published numbers under the published names."""

from __future__ import annotations

import pytest
import torch

from realtime.vocoders.networks.hifigan import Generator, GeneratorShape
from tests.support.small_vocoders import example, network, state


@pytest.mark.parametrize("fast", [False, True])
def test_the_published_numbers(fast: bool) -> None:
    made = network("generator_v4_tiny")
    assert (made.fast() if fast else made.plain()) is made
    mel, audio = example("generator_v4_tiny")
    with torch.inference_mode():
        found = made(mel)
    assert found.shape == audio.shape
    assert (found - audio).abs().max() < 1e-5


def test_the_published_names_and_size() -> None:
    with torch.device("meta"):
        made = Generator()
    assert set(made.state_dict()) == set(state("generator_v4_tiny")[1])
    assert sum(weight.numel() for weight in made.parameters()) == 14_425_409
    assert made.hop == 480


def test_a_speaker_and_the_other_kind_of_block() -> None:
    made = Generator(
        GeneratorShape(4, "2", (3,), ((1, 3),), (2,), 8, (4,), gin_channels=3, is_bias=False)
    )
    mel = torch.randn(1, 4, 5)
    alone, spoken = made(mel), made(mel, torch.ones(1, 3, 1))
    assert alone.shape == spoken.shape == (1, 1, 10)
    assert not torch.equal(alone, spoken)
    assert made.conv_post.bias is None


def test_a_kernel_that_cannot_stretch_exactly_is_refused() -> None:
    with pytest.raises(ValueError, match="stretch"):
        Generator(GeneratorShape(upsample_rates=(3,), upsample_kernel_sizes=(6,)))
