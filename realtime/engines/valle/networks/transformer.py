"""Transformer layers with the parameter names of VALL-E X's checkpoint.

A layer gets its attention as a function: the two models attend differently.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.keep_fp32 import KeepFp32
from realtime.networks.transformer import Attend, Attention


class PlainNorm(KeepFp32, nn.LayerNorm):
    """A layer norm that ignores the stage, so that both models call their norms alike."""

    def forward(self, x: Tensor, stage: Tensor | None = None) -> Tensor:
        return super().forward(x)


class StageNorm(nn.Module):
    """A layer norm whose scale and shift are computed from the stage's vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project_layer = nn.Linear(width, 2 * width)
        self.norm = PlainNorm(width)

    def forward(self, x: Tensor, stage: Tensor | None = None) -> Tensor:
        assert stage is not None, "a StageNorm needs the stage's vector"
        projected = self.project_layer(stage.to(self.project_layer.weight.dtype))
        scale, shift = projected.chunk(2, dim=-1)
        output: Tensor = scale * self.norm(x) + shift
        return output


class Fp32StageNorm(KeepFp32, StageNorm):
    """The last norm of the parallel model: it stays in fp32, as the logits after it do."""


class Layer(nn.Module):
    """Attention and two linear layers, each with a norm before it and a residual around it.

    The sum along the residuals stays in fp32, whatever the layers compute in: the rounding of
    16 bits would add up over all of them.
    """

    def __init__(self, width: int, heads: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.linear1 = nn.Linear(width, 4 * width)
        self.linear2 = nn.Linear(4 * width, width)
        self.norm1 = norm(width)
        self.norm2 = norm(width)

    def forward(self, x: Tensor, attend: Attend, stage: Tensor | None = None) -> Tensor:
        dtype = self.linear1.weight.dtype
        x = x + self.self_attn(self.norm1(x, stage).to(dtype), attend)
        widened = functional.relu(self.linear1(self.norm2(x, stage).to(dtype)))
        output: Tensor = x + self.linear2(widened)
        return output


class Decoder(nn.Module):
    """Layers and a last norm; the norm stays in fp32."""

    def __init__(
        self,
        width: int,
        heads: int,
        count: int,
        norm: type[PlainNorm] | type[StageNorm],
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(width, heads, norm) for _ in range(count)])
        self.norm = PlainNorm(width) if norm is PlainNorm else Fp32StageNorm(width)
