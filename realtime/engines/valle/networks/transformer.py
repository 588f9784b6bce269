"""Transformer layers under the names of VALL-E X's weights; how they attend is their caller's."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.keep_fp32 import KeepFp32

# From queries, keys and values of (batch, heads, length, size) to what was attended to.
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


class Waves(KeepFp32):
    """What each place is told with: sines and cosines in turn, of ever longer waves."""

    table: Tensor

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        self.register_buffer("table", sinusoids(places, width), persistent=False)

    def forward(self, places: Tensor) -> Tensor:
        return self.table[places]


class LongLinear(KeepFp32, nn.Linear):
    """What codes are chosen from is worked out in full."""


class Attention(nn.Module):
    """Queries, keys and values in one matrix, as the weights have them."""

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
        found: Tensor = self.out_proj(attend(q, k, v).transpose(1, 2).reshape(batch, length, width))
        return found


class PlainNorm(KeepFp32, nn.LayerNorm):
    """A norm that is the same in every stage."""

    def forward(self, x: Tensor, stage: Tensor | None = None) -> Tensor:
        return super().forward(x)


class StageNorm(nn.Module):
    """A norm whose scale and shift come from the stage."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project_layer = nn.Linear(width, 2 * width)
        self.norm = PlainNorm(width)

    def forward(self, x: Tensor, stage: Tensor | None = None) -> Tensor:
        assert stage is not None, "a norm of stages is told which"
        told = self.project_layer(stage.to(self.project_layer.weight.dtype))
        scale, shift = told.chunk(2, dim=-1)
        moved: Tensor = scale * self.norm(x) + shift
        return moved


class LongStageNorm(KeepFp32, StageNorm):
    """The last norm, in full as what follows it."""


class Layer(nn.Module):
    """Attention and two linear layers, each added to what it came from, each normed before.

    What is added up stays in full floats, whatever the layers reckon in: there are many of them.
    """

    def __init__(self, width: int, heads: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.linear1 = nn.Linear(width, 4 * width)
        self.linear2 = nn.Linear(4 * width, width)
        self.norm1 = norm(width)
        self.norm2 = norm(width)

    def forward(self, x: Tensor, attend: Attend, stage: Tensor | None = None) -> Tensor:
        kind = self.linear1.weight.dtype
        x = x + self.self_attn(self.norm1(x, stage).to(kind), attend)
        widened = functional.relu(self.linear1(self.norm2(x, stage).to(kind)))
        added: Tensor = x + self.linear2(widened)
        return added


class Decoder(nn.Module):
    """Layers and a last norm, all of which is in full."""

    def __init__(
        self,
        width: int,
        heads: int,
        count: int,
        norm: type[PlainNorm] | type[StageNorm],
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(width, heads, norm) for _ in range(count)])
        self.norm = PlainNorm(width) if norm is PlainNorm else LongStageNorm(width)


def sinusoids(length: int, width: int) -> Tensor:
    """(length, width): sines and cosines in turn, of ever longer waves."""
    places = torch.arange(length, dtype=torch.float32)[:, None]
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * -(math.log(10000.0) / width))
    table = torch.empty(length, width)
    table[:, 0::2] = torch.sin(places * rates)
    table[:, 1::2] = torch.cos(places * rates)
    return table
