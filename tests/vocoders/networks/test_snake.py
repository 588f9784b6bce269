"""The activation's parameters under their published names, and the filter they come with."""

from __future__ import annotations

import pytest
import torch

from realtime.vocoders.networks.snake import Activation, Snake, lowpass
from tests.support.small_vocoders import state


def test_the_filter_is_the_published_one() -> None:
    stored = state("bigvgan_tiny")[1]["activation_post.upsample.filter"]
    assert (lowpass() - stored).abs().max() < 1e-7


def test_the_published_names() -> None:
    names = {"act.alpha", "act.beta", "upsample.filter", "downsample.lowpass.filter"}
    made = Activation(3)
    made.precompute_scales()  # what follows from the weights is not one of them
    assert set(made.state_dict()) == names
    assert "act.beta" not in Activation(3, both=False).state_dict()


@pytest.mark.parametrize("logarithmic", [False, True])
def test_with_one_parameter_the_second_is_the_first(logarithmic: bool) -> None:
    snake = Snake(2, both=False, logarithmic=logarithmic)
    with torch.no_grad():
        snake.alpha.fill_(0.5)
    inner, outer = snake.scales()
    assert torch.allclose(inner * outer, torch.ones(2))
    assert torch.allclose(inner, torch.tensor(0.5).exp() if logarithmic else torch.tensor(0.5))


def test_settled_or_not_it_sounds_the_same() -> None:
    made, x = Activation(4), torch.randn(1, 4, 1, 30)
    before = made(x)
    made.precompute_scales()
    assert torch.equal(made(x), before)
