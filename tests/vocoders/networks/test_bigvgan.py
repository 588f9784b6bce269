"""BigVGAN gives the published numbers, under the published names, in every form."""

from __future__ import annotations

import pytest
import torch

from realtime.vocoders.networks import fastest_snake
from realtime.vocoders.networks.bigvgan import BigVGAN, BigVGANShape
from tests.support.small_vocoders import example, network, state

PUBLISHED = [  # bands, rates, kernels, first channels, samples a frame
    (100, (4, 4, 2, 2, 2, 2), (8, 8, 4, 4, 4, 4), 1536, 256),
    (80, (4, 4, 2, 2, 2, 2), (8, 8, 4, 4, 4, 4), 1536, 256),
    (128, (8, 4, 2, 2, 2, 2), (16, 8, 4, 4, 4, 4), 1536, 512),
    (100, (8, 8, 2, 2), (16, 16, 4, 4), 512, 256),
]


@pytest.mark.parametrize("fast", [False, True])
def test_the_published_numbers(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # `test_fastest_snake` tests the compiled form.
    monkeypatch.setattr(fastest_snake, "compiled", fastest_snake.depthwise)
    made = network("bigvgan_tiny")
    assert (made.fast() if fast else made.plain()) is made
    mel, audio = example("bigvgan_tiny")
    with torch.inference_mode():
        found = made(mel)
    assert found.shape == audio.shape
    assert (found - audio).abs().max() < 1e-5


def test_the_published_names_with_and_without_weight_norm() -> None:
    _, weights = state("bigvgan_tiny")
    with torch.device("meta"):
        names = set(BigVGAN().state_dict())
    assert len(names) == 667
    assert len(weights) == 783
    assert {name.replace("weight_g", "weight") for name in weights if "_v" not in name} == names


@pytest.mark.slow
@pytest.mark.parametrize(("bands", "rates", "kernels", "channels", "hop"), PUBLISHED)
def test_other_published_configurations(
    bands: int, rates: tuple[int, ...], kernels: tuple[int, ...], channels: int, hop: int
) -> None:
    with torch.device("meta"):
        made = BigVGAN(
            BigVGANShape(
                num_mels=bands,
                upsample_rates=rates,
                upsample_kernel_sizes=kernels,
                upsample_initial_channel=channels,
            )
        ).plain()
        assert made(torch.zeros(2, bands, 9)).shape == (2, 1, 9 * hop)


def test_the_first_version_ends_in_a_tangent() -> None:
    shape = BigVGANShape(
        4, (2,), (4,), 8, use_tanh_at_final=True, use_bias_at_final=True, resblock="2"
    )
    made = BigVGAN(shape).plain()
    assert made.conv_post.bias is not None
    assert made(torch.randn(1, 4, 5)).abs().max() < 1


@pytest.mark.slow
def test_its_size_is_the_published_one() -> None:
    with torch.device("meta"):
        count = sum(weight.numel() for weight in BigVGAN().parameters())
    lengths = sum(
        weight.shape[0]
        for name, weight in BigVGAN(BigVGANShape()).to("meta").state_dict().items()
        if name.endswith(".weight")
    )
    assert count + lengths == 112_446_289  # as published, with weight norm
