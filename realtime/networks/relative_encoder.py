"""A transformer encoder whose attention knows how far places lie apart, as VITS has it.

Signals are (batch, channels, frames). Lines are not padded, so nothing is masked.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class ChannelNorm(nn.Module):
    """A layer norm over channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        last = x.transpose(1, 2)
        return functional.layer_norm(last, last.shape[-1:], self.gamma, self.beta).transpose(1, 2)


class ConvAttention(nn.Module):
    """Attention from one signal to another, by convolutions of one place."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        q, k, v = self.split(self.conv_q(x)), self.split(self.conv_k(other)), self.conv_v(other)
        joined = functional.scaled_dot_product_attention(q, k, self.split(v))
        return self.join(joined)

    def split(self, x: Tensor) -> Tensor:
        """Give (batch, heads, frames, size)."""
        batch, channels, frames = x.shape
        return x.view(batch, self.heads, channels // self.heads, frames).transpose(2, 3)

    def join(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv_o(x.transpose(2, 3).flatten(1, 2))
        return output


class RelativeAttention(ConvAttention):
    """Self-attention with vectors for distances, shared by all heads.

    Distances of up to `window` places to each side have a vector of their own.
    """

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__(channels, heads)
        self.window = window
        size = channels // heads
        self.emb_rel_k = nn.Parameter(torch.zeros(1, 2 * window + 1, size))
        self.emb_rel_v = nn.Parameter(torch.zeros(1, 2 * window + 1, size))

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        q, k, v = (self.split(conv(x)) for conv in (self.conv_q, self.conv_k, self.conv_v))
        q = q / math.sqrt(q.shape[-1])
        near, there = _near_places(x.shape[2], self.window, x.device)
        near = near.expand(*q.shape[:3], -1)
        distances = (q @ self.emb_rel_k[0].T).masked_fill(~there, 0.0)
        scores = (q @ k.transpose(2, 3)).scatter_add(-1, near, distances)
        weights = scores.softmax(-1)
        near_weights = weights.gather(-1, near).masked_fill(~there, 0.0)
        return self.join(weights @ v + near_weights @ self.emb_rel_v[0])


def _near_places(count: int, window: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return for each place those in its window, and which of them there are."""
    offsets = torch.arange(-window, window + 1, device=device)
    places = torch.arange(count, device=device)[:, None] + offsets
    return places.clamp(0, count - 1), (places >= 0) & (places < count)


class FeedForward(nn.Module):
    """Two convolutions with a rectifier between them."""

    def __init__(self, channels: int, inner: int, size: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, inner, size, padding=size // 2)
        self.conv_2 = nn.Conv1d(inner, channels, size, padding=size // 2)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv_2(functional.relu(self.conv_1(x)))
        return output


class RelativeEncoder(nn.Module):
    """Layers of attention and convolutions, each with a residual around it and a norm after it."""

    def __init__(
        self, channels: int, inner: int, heads: int, layers: int, size: int, window: int
    ) -> None:
        super().__init__()
        numbers = range(layers)
        self.attn_layers = nn.ModuleList(
            [RelativeAttention(channels, heads, window) for _ in numbers]
        )
        self.norm_layers_1 = nn.ModuleList([ChannelNorm(channels) for _ in numbers])
        self.ffn_layers = nn.ModuleList([FeedForward(channels, inner, size) for _ in numbers])
        self.norm_layers_2 = nn.ModuleList([ChannelNorm(channels) for _ in numbers])

    def forward(self, x: Tensor) -> Tensor:
        for attend, norm, widen, last_norm in zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        ):
            x = norm(x + attend(x))
            x = last_norm(x + widen(x))
        return x
