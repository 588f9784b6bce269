"""The flow run backwards, against its couplings run forwards."""

from __future__ import annotations

import pytest
import torch

from realtime.networks.flow import Flow


def small_flow(layers: int) -> Flow:
    torch.manual_seed(5)
    return Flow(4, 6, 3, layers).eval()


@pytest.mark.parametrize("layers", [3, 4])
def test_the_flow_undoes_its_couplings(layers: int) -> None:
    flow = small_flow(layers)
    x, style = torch.randn(1, 4, 40), torch.randn(1, 3, 1)
    with torch.inference_mode():
        y = flow(x, style)
        assert not torch.allclose(x, y, atol=1e-2)
        for coupling in flow.flows[::2]:
            kept, shifted = y.chunk(2, dim=1)
            shift = coupling.post(coupling.enc(coupling.pre(kept), style))
            y = torch.cat([kept, shifted + shift], dim=1).flip(1)
    torch.testing.assert_close(y, x, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layers", [3, 4])
def test_a_frame_depends_on_the_frames_within_reach_alone(layers: int) -> None:
    flow = small_flow(layers).double()  # the farthest frames change very little
    x, style = torch.randn(1, 4, 120).double(), torch.randn(1, 3, 1).double()
    changed = x.clone()
    changed[..., 60] += 10
    with torch.inference_mode():
        moved = (flow(x, style) - flow(changed, style)).abs().amax((0, 1)).nonzero().flatten()
    assert 60 - flow.reach <= int(moved.min()) <= 60 - flow.reach + 8
    assert 60 + flow.reach - 8 <= int(moved.max()) <= 60 + flow.reach
