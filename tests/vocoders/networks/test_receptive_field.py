"""The computed reach of a frame is what really changes its sound."""

from __future__ import annotations

import pytest
import torch

from realtime.vocoders.networks.bigvgan import BigVGAN
from realtime.vocoders.networks.hifigan import Generator
from realtime.vocoders.networks.windows import Reach
from tests.support.small_vocoders import NETWORKS, network, small


@pytest.mark.parametrize("kind", ["bigvgan", "hifigan"])
def test_the_reach_is_exactly_what_a_frames_sound_depends_on(kind: str) -> None:
    made, middle, frames = small(kind), 60, 121
    reach = made.reach()
    mel = torch.randn(1, made.bands, frames, dtype=torch.float64, requires_grad=True)
    sound = made.double().plain()(mel)
    mine = sound[0, 0, middle * made.hop : (middle + 1) * made.hop]
    needed = torch.zeros(frames, dtype=torch.bool)
    for sample in (mine[0], mine[-1]):  # apart: in a sum, dependences may cancel
        (slope,) = torch.autograd.grad(sample, mel, retain_graph=True)
        assert slope.abs().max() > 0
        needed |= (slope != 0).any(1)[0]
    places = needed.nonzero().flatten()
    assert (middle - int(places[0]), int(places[-1]) - middle) == (reach.before, reach.after)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_width_does_not_change_the_reach(name: str) -> None:
    full = {"bigvgan_tiny": BigVGAN, "generator_v4_tiny": Generator}[name]
    narrow = network(name).reach()
    with torch.device("meta"):
        assert full().reach() == narrow


@pytest.mark.slow
def test_the_published_vocoders_reach_so_far() -> None:
    with torch.device("meta"):
        assert BigVGAN().reach() == Reach(38, 38)
        assert Generator().reach() == Reach(12, 12)
