"""BigVGAN, first and second version: log mel in, sound out; every published configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from realtime.vocoders.networks.base import MelNet, average
from realtime.vocoders.networks.fastest_snake import FastestSnake
from realtime.vocoders.networks.layers import Conv, Stretch
from realtime.vocoders.networks.receptive_field import Span, input_span
from realtime.vocoders.networks.snake import Activation, ActivationFunction, published


@dataclass(frozen=True)
class BigVGANShape:
    """The part of the published config.json that makes the network; defaults: v2, 24 kHz."""

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

    def activation_for(self, channels: int) -> Activation:
        return Activation(channels, self.activation == "snakebeta", self.snake_logscale)


class AmpBlock1(nn.Module):
    """Pairs of convolutions, each after an activation, each pair added to what it came from."""

    def __init__(
        self, shape: BigVGANShape, channels: int, size: int, dilations: Sequence[int]
    ) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            [Conv(channels, channels, size, dilation) for dilation in dilations]
        )
        self.convs2 = nn.ModuleList([Conv(channels, channels, size) for _ in dilations])
        self.activations = nn.ModuleList(
            [shape.activation_for(channels) for _ in 2 * list(dilations)]
        )

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
            needed = Activation.reach(input_span(layer, needed))
        return needed


class AmpBlock2(nn.Module):
    """Convolutions, each after an activation and added to what it came from."""

    def __init__(
        self, shape: BigVGANShape, channels: int, size: int, dilations: Sequence[int]
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [Conv(channels, channels, size, dilation) for dilation in dilations]
        )
        self.activations = nn.ModuleList([shape.activation_for(channels) for _ in dilations])

    def forward(self, x: Tensor) -> Tensor:
        for activation, dilated in zip(self.activations, self.convs, strict=True):
            x = dilated(activation(x)) + x
        return x

    def reach(self, needed: Span) -> Span:
        for layer in self.convs:
            assert isinstance(layer, nn.Conv1d)
            needed = Activation.reach(input_span(layer, needed))
        return needed


BLOCKS = {"1": AmpBlock1, "2": AmpBlock2}


class BigVGAN(MelNet):
    """The network; its activations are most of the work unless each is a single step."""

    def __init__(self, shape: BigVGANShape | None = None) -> None:
        shape = shape or BigVGANShape()
        super().__init__(shape.num_mels, shape.upsample_rates)
        self.shape = shape
        width = shape.upsample_initial_channel
        self.conv_pre = Conv(shape.num_mels, width, 7)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, size in zip(shape.upsample_rates, shape.upsample_kernel_sizes, strict=True):
            self.ups.append(nn.ModuleList([Stretch(width, width // 2, size, rate)]))
            width //= 2
            for kernel, dilations in zip(
                shape.resblock_kernel_sizes, shape.resblock_dilation_sizes, strict=True
            ):
                self.resblocks.append(BLOCKS[shape.resblock](shape, width, kernel, dilations))
        self.activation_post = shape.activation_for(width)
        self.conv_post = Conv(width, 1, 7, bias=shape.use_bias_at_final)

    def stretches(self) -> list[Stretch]:
        return [cast("list[Stretch]", up)[0] for up in self.ups]

    def forward(self, mel: Tensor) -> Tensor:
        x = self.conv_pre(self.as_image(mel))
        for stretch, blocks in self.stages():
            x = average(blocks, stretch(x))
        x = self.conv_post(self.activation_post(x)).squeeze(2)
        return torch.tanh(x) if self.shape.use_tanh_at_final else x.clamp(-1.0, 1.0)

    def reach_before_post(self, needed: Span) -> Span:
        return Activation.reach(needed)

    def plain(self) -> BigVGAN:
        self._use(published)
        super().plain()
        return self

    def fast(self) -> BigVGAN:
        self._use(FastestSnake())
        super().fast()
        return self

    def _use(self, function: ActivationFunction) -> None:
        for module in self.modules():
            if isinstance(module, Activation):
                module.function = function
                module.precompute_scales()
