"""Parts of transformers that make codes: position vectors, and attention with packed weights.

A layer gets its attention as a function, since a step over a cache attends otherwise than a pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.keep_fp32 import KeepFp32

# From queries, keys and values (batch, heads, length, size) to the attention's output, same shape.
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


class PositionEncoding(KeepFp32):
    """A table of sinusoidal position vectors, looked up by place."""

    table: Tensor

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        # Not persistent: the checkpoint has no such tensor.
        self.register_buffer("table", sinusoids(places, width), persistent=False)

    def forward(self, places: Tensor) -> Tensor:
        return self.table[places]


class Embedding(KeepFp32):
    """A table of vectors; it stays in fp32, for few rows are read at a time."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(count, width)

    def forward(self, ids: Tensor) -> Tensor:
        vectors: Tensor = self.word_embeddings(ids)
        return vectors


class PositionScale(KeepFp32):
    """The learnt factor by which position vectors are multiplied."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))


class Fp32Linear(KeepFp32, nn.Linear):
    """A linear layer that stays in fp32: codes are chosen from what it gives."""


class Attention(nn.Module):
    """Self-attention whose query, key and value weights are one matrix, as in the checkpoint."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, attend: Attend) -> Tensor:
        batch, length, width = x.shape
        packed = functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        packed = packed.view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = packed.permute(2, 0, 3, 1, 4).unbind(0)
        joined = attend(q, k, v).transpose(1, 2).reshape(batch, length, width)
        output: Tensor = self.out_proj(joined)
        return output


def sinusoids(length: int, width: int) -> Tensor:
    """Return (length, width) of position vectors: sines and cosines alternate, waves get longer."""
    places = torch.arange(length, dtype=torch.float32)[:, None]
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * -(math.log(10000.0) / width))
    table = torch.empty(length, width)
    table[:, 0::2] = torch.sin(places * rates)
    table[:, 1::2] = torch.cos(places * rates)
    return table
