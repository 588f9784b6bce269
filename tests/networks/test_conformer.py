"""The convolutions of a conformer: their gates, and how far they look."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from realtime.networks.conformer import (
    REACH,
    ConformerConvolutions,
    Gate,
    sigmoid_gate,
    silu_gate,
)


def test_the_gates_gate_the_first_half() -> None:
    x = torch.tensor([2.0, -3.0, 0.5, 1.5]).reshape(1, 4, 1)
    gates = torch.tensor([0.5, 1.5])
    expected = torch.tensor([2.0, -3.0]) * torch.sigmoid(gates)
    torch.testing.assert_close(sigmoid_gate(x).flatten(), expected)
    torch.testing.assert_close(silu_gate(x).flatten(), expected * gates)


@pytest.mark.parametrize("gate", [sigmoid_gate, silu_gate])
@pytest.mark.parametrize("norm", [True, False])
def test_a_frame_depends_on_the_frames_within_reach(gate: Gate, norm: bool) -> None:
    torch.manual_seed(1)
    network = ConformerConvolutions(6, gate=gate, activation=nn.SiLU(), norm=norm)
    x = torch.randn(1, 6, 80)
    changed = x.clone()
    changed[:, :, 40] = torch.randn(6)
    with torch.no_grad():
        moved = (network(changed) - network(x)).abs().amax((0, 1)) > 0
    assert moved.nonzero().flatten().tolist() == list(range(40 - REACH, 40 + REACH + 1))
    assert any(name.startswith("net.0.") for name in network.state_dict()) == norm
