"""Norms by stage, and weights that stay in fp32."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from realtime.engines.valle.networks.transformer import Decoder, StageNorm
from realtime.networks.transformer import PositionEncoding


def test_a_stage_scales_and_shifts() -> None:
    norm = StageNorm(4)
    with torch.no_grad():
        norm.project_layer.weight.zero_()
        norm.project_layer.bias.copy_(torch.tensor([2.0] * 4 + [3.0] * 4))
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    plain = (x - 2.5) / 1.25**0.5
    torch.testing.assert_close(norm(x, torch.zeros(4)), 2 * plain + 3, atol=1e-4, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_what_stays_in_fp32_is_not_shortened(dtype: torch.dtype) -> None:
    decoder = Decoder(8, 2, 1, StageNorm).to(dtype)
    layer = decoder.layers[0]
    assert {weight.dtype for weight in layer.linear1.parameters()} == {dtype}
    assert {weight.dtype for weight in decoder.norm.parameters()} == {torch.float32}
    assert layer.norm1.project_layer.weight.dtype == dtype
    assert layer.norm1.norm.weight.dtype == torch.float32
    x, stage = torch.randn(1, 3, 8), torch.randn(8)
    with torch.no_grad():
        for weight in decoder.parameters():
            weight.fill_(0.1)
        output = layer(x, functional.scaled_dot_product_attention, stage)
    assert output.dtype == torch.float32
    assert PositionEncoding(4, 8).to(dtype).table.dtype == torch.float32
