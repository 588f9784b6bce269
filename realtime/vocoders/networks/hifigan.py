"""HiFi-GAN's generator as GPT-SoVITS v4 has it: log mel in, sound out, 480 samples a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.vocoders.networks.base import MelNet, average
from realtime.vocoders.networks.layers import Conv, Stretch
from realtime.vocoders.networks.receptive_field import Span, input_span

SLOPE = 0.1  # of the leaky rectifiers, as published
LAST_SLOPE = 0.01  # torch's default, which the published code leaves before the last layer


@dataclass(frozen=True)
class GeneratorShape:
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


class ResBlock1(nn.Module):
    """Pairs of convolutions, a dilated and a plain one, each pair added to what it came from."""

    def __init__(self, channels: int, size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            [Conv(channels, channels, size, dilation) for dilation in dilations]
        )
        self.convs2 = nn.ModuleList([Conv(channels, channels, size) for _ in dilations])

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            # In the memory that is there: new memory takes longer than the sum.
            x = plain(functional.leaky_relu_(dilated(leaky(x)), SLOPE)).add_(x)
        return x

    def reach(self, needed: Span) -> Span:
        for layer in (*self.convs1, *self.convs2):  # the order changes nothing: widths add up
            assert isinstance(layer, nn.Conv1d)
            needed = input_span(layer, needed)
        return needed


class ResBlock2(nn.Module):
    """Dilated convolutions, each added to what it came from."""

    def __init__(self, channels: int, size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [Conv(channels, channels, size, dilation) for dilation in dilations]
        )

    def forward(self, x: Tensor) -> Tensor:
        for dilated in self.convs:
            x = dilated(leaky(x)).add_(x)
        return x

    def reach(self, needed: Span) -> Span:
        for layer in self.convs:
            assert isinstance(layer, nn.Conv1d)
            needed = input_span(layer, needed)
        return needed


BLOCKS = {"1": ResBlock1, "2": ResBlock2}


class Generator(MelNet):
    """The generator; v4 is given the mel alone, without a speaker."""

    def __init__(self, shape: GeneratorShape | None = None) -> None:
        shape = shape or GeneratorShape()
        super().__init__(shape.initial_channel, shape.upsample_rates)
        self.shape = shape
        width = shape.upsample_initial_channel
        self.conv_pre = Conv(shape.initial_channel, width, 7)
        if shape.gin_channels:
            self.cond = Conv(shape.gin_channels, width, 1)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, size in zip(shape.upsample_rates, shape.upsample_kernel_sizes, strict=True):
            self.ups.append(Stretch(width, width // 2, size, rate))
            width //= 2
            for kernel, dilations in zip(
                shape.resblock_kernel_sizes, shape.resblock_dilation_sizes, strict=True
            ):
                self.resblocks.append(BLOCKS[shape.resblock](width, kernel, dilations))
        self.conv_post = Conv(width, 1, 7, bias=shape.is_bias)

    def stretches(self) -> list[Stretch]:
        return cast("list[Stretch]", list(self.ups))

    def forward(
        self, mel: Tensor, speaker: Tensor | None = None, source: Tensor | None = None
    ) -> Tensor:
        x = self.conv_pre(self.as_image(mel))
        if speaker is not None:
            x = x + self.cond(speaker.unsqueeze(2))
        for stage, (stretch, blocks) in enumerate(self.stages()):
            x = stretch(functional.leaky_relu_(x, SLOPE))
            x = average(blocks, self.add_source(x, stage, source))
        return torch.tanh(self.conv_post(functional.leaky_relu_(x, LAST_SLOPE))).squeeze(2)

    def add_source(self, x: Tensor, stage: int, source: Tensor | None) -> Tensor:
        """Add what a generator with pitch is told besides its frames; this one is told nothing."""
        return x


def leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, SLOPE)
