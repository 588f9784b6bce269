"""Folded weights are those that the two parts mean, under the plain name."""

from __future__ import annotations

import torch

from realtime.networks.weightnorm import folded


def test_a_length_and_a_direction_become_a_weight() -> None:
    length = torch.tensor([[[2.0]], [[3.0]]])
    direction = torch.tensor([[[3.0, 4.0]], [[0.0, 5.0]]])
    other = torch.zeros(1)
    found = folded({"a.weight_g": length, "a.weight_v": direction, "a.bias": other})
    assert set(found) == {"a.weight", "a.bias"}
    torch.testing.assert_close(found["a.weight"], torch.tensor([[[1.2, 1.6]], [[0.0, 3.0]]]))
