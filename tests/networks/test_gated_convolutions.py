"""Gated convolutions, against the same layer by layer."""

from __future__ import annotations

import torch

from realtime.networks.gated_convolutions import GatedConvolutions


def test_each_layer_adds_to_the_sum_and_the_last_has_no_residual() -> None:
    torch.manual_seed(7)
    network = GatedConvolutions(4, 3, 3)
    x, style = torch.randn(1, 4, 20), torch.randn(1, 3, 1)
    with torch.inference_mode():
        steers = network.cond_layer(style)
        total, signal = torch.zeros(1, 4, 20), x
        for number in range(3):
            wide = network.in_layers[number](signal) + steers[:, 8 * number : 8 * number + 8]
            added = network.res_skip_layers[number](wide[:, :4].tanh() * wide[:, 4:].sigmoid())
            if number < 2:
                signal, added = signal + added[:, :4], added[:, 4:]
            total = total + added
        torch.testing.assert_close(network(x, style), total)
    assert network.res_skip_layers[2].out_channels == 4
