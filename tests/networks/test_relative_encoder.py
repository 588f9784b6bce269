"""Attention that knows distances, against the same worked out place by place."""

from __future__ import annotations

import math

import pytest
import torch

from realtime.networks.relative_encoder import RelativeAttention, RelativeEncoder


@pytest.mark.parametrize("window", [2, 4, 10])
def test_distances_within_the_window_have_vectors_and_others_none(window: int) -> None:
    torch.manual_seed(3)
    attention = RelativeAttention(8, 2, window)
    for vectors in (attention.emb_rel_k, attention.emb_rel_v):
        torch.nn.init.normal_(vectors)
    x = torch.randn(1, 8, 15)
    with torch.inference_mode():
        convs = (attention.conv_q, attention.conv_k, attention.conv_v)
        q, k, v = (conv(x)[0].view(2, 4, 15) for conv in convs)
        output = torch.zeros(2, 4, 15)
        for head in range(2):
            for at in range(15):
                scores = torch.zeros(15)
                for other in range(15):
                    key = k[head, :, other].clone()
                    if abs(other - at) <= window:
                        key += attention.emb_rel_k[0, other - at + window]
                    scores[other] = q[head, :, at] @ key / math.sqrt(4)
                for other, share in enumerate(scores.softmax(0)):
                    value = v[head, :, other].clone()
                    if abs(other - at) <= window:
                        value += attention.emb_rel_v[0, other - at + window]
                    output[head, :, at] += share * value
        expected = attention.conv_o(output.view(1, 8, 15))
        torch.testing.assert_close(attention(x), expected, rtol=1e-4, atol=1e-5)


def test_an_encoder_keeps_the_shape_of_its_signal() -> None:
    encoder = RelativeEncoder(8, 16, heads=2, layers=2, size=3, window=10)
    assert encoder(torch.randn(2, 8, 5)).shape == (2, 8, 5)
    assert encoder.attn_layers[1].emb_rel_k.shape == (1, 21, 4)
