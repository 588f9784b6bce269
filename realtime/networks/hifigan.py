"""HiFi-GAN's generator as GPT-SoVITS v4 has it: log mel in, sound out, 480 samples a frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.networks.reach import Reach, Span, through, union

SLOPE = 0.1
LAST_SLOPE = 0.01


@dataclass(frozen=True)
class Shape:
    """The generator's published arguments; the defaults are v4's."""

    initial_channel: int = 100
    resblock: str = "1"
    resblock_kernel_sizes: Sequence[int] = (3, 7, 11)
    resblock_dilation_sizes: Sequence[Sequence[int]] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    upsample_rates: Sequence[int] = (10, 6, 2, 2, 2)
    upsample_initial_channel: int = 512
    upsample_kernel_sizes: Sequence[int] = (20, 12, 4, 4, 4)
    gin_channels: int = 0
    is_bias: bool = True


class Block1(nn.Module):
    """Pairs of convolutions, a dilated and a plain one, each pair added to what it came from."""

    def __init__(self, channels: int, size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList([same(channels, size, dilation) for dilation in dilations])
        self.convs2 = nn.ModuleList([same(channels, size, 1) for _ in dilations])

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = plain(leaky(dilated(leaky(x)))) + x
        return x

    def reach(self, needed: Span) -> Span:
        for layer in (*self.convs1, *self.convs2):  # in any order the sum is the same
            assert isinstance(layer, nn.Conv1d)
            needed = through(layer, needed)
        return needed


class Block2(nn.Module):
    """Dilated convolutions, each added to what it came from."""

    def __init__(self, channels: int, size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList([same(channels, size, dilation) for dilation in dilations])

    def forward(self, x: Tensor) -> Tensor:
        for dilated in self.convs:
            x = dilated(leaky(x)) + x
        return x

    def reach(self, needed: Span) -> Span:
        for layer in self.convs:
            assert isinstance(layer, nn.Conv1d)
            needed = through(layer, needed)
        return needed


BLOCKS = {"1": Block1, "2": Block2}


class Generator(nn.Module):
    """(batch, bands, frames) → (batch, 1, frames × hop)."""

    def __init__(self, shape: Shape = Shape()) -> None:  # noqa: B008 (a frozen value)
        super().__init__()
        self.shape = shape
        width = shape.upsample_initial_channel
        self.conv_pre = nn.Conv1d(shape.initial_channel, width, 7, padding=3)
        if shape.gin_channels:
            self.cond = nn.Conv1d(shape.gin_channels, width, 1)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, size in zip(shape.upsample_rates, shape.upsample_kernel_sizes, strict=True):
            self.ups.append(
                nn.ConvTranspose1d(width, width // 2, size, rate, padding=(size - rate) // 2)
            )
            width //= 2
            for kernel, dilations in zip(
                shape.resblock_kernel_sizes, shape.resblock_dilation_sizes, strict=True
            ):
                self.resblocks.append(BLOCKS[shape.resblock](width, kernel, dilations))
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3, bias=shape.is_bias)

    def forward(self, mel: Tensor, speaker: Tensor | None = None) -> Tensor:
        x = self.conv_pre(mel)
        if speaker is not None:
            x = x + self.cond(speaker)
        each = len(self.shape.resblock_kernel_sizes)
        for stage, up in enumerate(self.ups):
            x = up(leaky(x))
            blocks = self.resblocks[stage * each : (stage + 1) * each]
            total = blocks[0](x)
            for block in blocks[1:]:
                total = total + block(x)
            x = total / each
        return torch.tanh(self.conv_post(functional.leaky_relu(x, LAST_SLOPE)))

    @property
    def hop(self) -> int:
        """Samples a frame."""
        return product(self.shape.upsample_rates)

    def reach(self) -> Reach:
        needed = through(self.conv_post, Span(0, self.hop - 1))
        each = len(self.shape.resblock_kernel_sizes)
        for stage in reversed(range(len(self.ups))):
            blocks = self.resblocks[stage * each : (stage + 1) * each]
            needed = union(block.reach(needed) for block in blocks)  # type: ignore[operator]
            needed = through(self.ups[stage], needed)  # type: ignore[arg-type]
        needed = through(self.conv_pre, needed)
        return Reach(-needed.first, needed.last)


def same(channels: int, size: int, dilation: int) -> nn.Conv1d:
    """A convolution that keeps channels and length."""
    return nn.Conv1d(channels, channels, size, dilation=dilation, padding=(size - 1) * dilation // 2)


def leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, SLOPE)


def product(rates: Sequence[int]) -> int:
    return math.prod(rates)
