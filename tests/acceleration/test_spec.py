"""Samples for a bucket are made of the examples."""

from __future__ import annotations

import torch

from tests.support.small_networks import BANDS, mel, network_spec


def test_samples_repeat_the_examples() -> None:
    (found,) = network_spec().sample((2, 20))
    assert found.shape == (2, BANDS, 20)
    assert torch.equal(found[1, :, 10:], mel()[0])
