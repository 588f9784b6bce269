"""BigVGAN, first and second version: log mel in, sound out; every published configuration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from realtime.networks.reach import Reach, Span, through, union
from realtime.networks.snake import Activation


@dataclass(frozen=True)
class Shape:
    """What of the published config.json makes the network; the defaults are v2's, 24 kHz."""

    num_mels: int = 100
    upsample_rates: Sequence[int] = (4, 4, 2, 2, 2, 2)
    upsample_kernel_sizes: Sequence[int] = (8, 8, 4, 4, 4, 4)
    upsample_initial_channel: int = 1536
    resblock: str = "1"
    resblock_kernel_sizes: Sequence[int] = (3, 7, 11)
    resblock_dilation_sizes: Sequence[Sequence[int]] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    activation: str = "snakebeta"
    snake_logscale: bool = True
    use_tanh_at_final: bool = False
    use_bias_at_final: bool = False

    def activated(self, channels: int) -> Activation:
        return Activation(channels, self.activation == "snakebeta", self.snake_logscale)


class Block1(nn.Module):
    """Pairs of convolutions, each after an activation, each pair added to what it came from."""

    def __init__(self, shape: Shape, channels: int, size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList([same(channels, size, dilation) for dilation in dilations])
        self.convs2 = nn.ModuleList([same(channels, size, 1) for _ in dilations])
        self.activations = nn.ModuleList([shape.activated(channels) for _ in 2 * list(dilations)])

    def forward(self, x: Tensor) -> Tensor:
        steps = zip(
            self.activations[::2], self.convs1, self.activations[1::2], self.convs2, strict=True
        )
        for first, dilated, second, plain in steps:
            x = plain(second(dilated(first(x)))) + x
        return x

    def reach(self, needed: Span) -> Span:
        for layer in (*self.convs1, *self.convs2):
            assert isinstance(layer, nn.Conv1d)
            needed = Activation.reach(through(layer, needed))
        return needed


class Block2(nn.Module):
    """Convolutions, each after an activation and added to what it came from."""

    def __init__(self, shape: Shape, channels: int, size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList([same(channels, size, dilation) for dilation in dilations])
        self.activations = nn.ModuleList([shape.activated(channels) for _ in dilations])

    def forward(self, x: Tensor) -> Tensor:
        for activation, dilated in zip(self.activations, self.convs, strict=True):
            x = dilated(activation(x)) + x
        return x

    def reach(self, needed: Span) -> Span:
        for layer in self.convs:
            assert isinstance(layer, nn.Conv1d)
            needed = Activation.reach(through(layer, needed))
        return needed


BLOCKS = {"1": Block1, "2": Block2}


class BigVGAN(nn.Module):
    """(batch, bands, frames) → (batch, 1, frames × hop)."""

    def __init__(self, shape: Shape = Shape()) -> None:  # noqa: B008 (a frozen value)
        super().__init__()
        self.shape = shape
        width = shape.upsample_initial_channel
        self.conv_pre = nn.Conv1d(shape.num_mels, width, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, size in zip(shape.upsample_rates, shape.upsample_kernel_sizes, strict=True):
            up = nn.ConvTranspose1d(width, width // 2, size, rate, padding=(size - rate) // 2)
            self.ups.append(nn.ModuleList([up]))
            width //= 2
            for kernel, dilations in zip(
                shape.resblock_kernel_sizes, shape.resblock_dilation_sizes, strict=True
            ):
                self.resblocks.append(BLOCKS[shape.resblock](shape, width, kernel, dilations))
        self.activation_post = shape.activated(width)
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3, bias=shape.use_bias_at_final)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.conv_pre(mel)
        each = len(self.shape.resblock_kernel_sizes)
        for stage, up in enumerate(self.ups):
            x = up[0](x)  # type: ignore[index]
            blocks = self.resblocks[stage * each : (stage + 1) * each]
            total = blocks[0](x)
            for block in blocks[1:]:
                total = total + block(x)
            x = total / each
        x = self.conv_post(self.activation_post(x))
        return torch.tanh(x) if self.shape.use_tanh_at_final else x.clamp(-1.0, 1.0)

    @property
    def hop(self) -> int:
        """Samples a frame."""
        return math.prod(self.shape.upsample_rates)

    def reach(self) -> Reach:
        needed = Activation.reach(through(self.conv_post, Span(0, self.hop - 1)))
        each = len(self.shape.resblock_kernel_sizes)
        for stage in reversed(range(len(self.ups))):
            blocks = self.resblocks[stage * each : (stage + 1) * each]
            needed = union(block.reach(needed) for block in blocks)  # type: ignore[operator]
            needed = through(self.ups[stage][0], needed)  # type: ignore[index]
        needed = through(self.conv_pre, needed)
        return Reach(-needed.first, needed.last)


def same(channels: int, size: int, dilation: int) -> nn.Conv1d:
    """A convolution that keeps channels and length."""
    return nn.Conv1d(channels, channels, size, dilation=dilation, padding=(size - 1) * dilation // 2)
