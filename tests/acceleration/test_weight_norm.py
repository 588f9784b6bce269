"""Weight norm folds into plain weights, in both ways that torch writes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from realtime.acceleration.weight_norm import fold_weight_norm


@pytest.mark.parametrize("dimension", [0, 2])  # 2 as HuBERT has it
@pytest.mark.parametrize("make", [lambda: nn.Conv1d(3, 4, 5), lambda: nn.ConvTranspose1d(3, 4, 4)])
def test_the_new_way(make: Callable[[], nn.Module], dimension: int) -> None:
    layer = make()
    network = nn.Sequential(layer)
    plain = {name: weight.clone() for name, weight in network.state_dict().items()}
    normed = parametrizations.weight_norm(layer, dim=dimension)
    with torch.no_grad():
        normed.parametrizations.weight.original0 *= 2
    found = fold_weight_norm(network.state_dict())
    assert set(found) == set(plain)
    assert torch.allclose(found["0.weight"], 2 * plain["0.weight"], atol=1e-6)


def test_the_old_way_and_what_has_none() -> None:
    state = {
        "a.weight_g": torch.tensor([[[10.0]]]),
        "a.weight_v": torch.tensor([[[3.0, 4.0]]]),
        "a.bias": torch.ones(1),
    }
    found = fold_weight_norm(state)
    assert torch.equal(found["a.weight"], torch.tensor([[[6.0, 8.0]]]))
    assert set(found) == {"a.weight", "a.bias"}


def test_half_of_a_pair_is_missed() -> None:
    with pytest.raises(KeyError, match="a.weight_v"):
        fold_weight_norm({"a.weight_g": torch.ones(1)})
