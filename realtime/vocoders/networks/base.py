"""The frame of both vocoders: a log mel stretched to sound in stages, each the mean of blocks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from realtime.vocoders.networks.layers import Conv, Stretch
from realtime.vocoders.networks.packing import PackedWeights
from realtime.vocoders.networks.receptive_field import Span, input_span, union
from realtime.vocoders.networks.tiles import can_be_cut, in_tiles
from realtime.vocoders.networks.windows import Reach


class ResidualBlock(Protocol):
    """A branch of a stage; its output has the channels and the length of its input."""

    def __call__(self, x: Tensor) -> Tensor: ...

    def reach(self, needed: Span) -> Span: ...


class MelNet(nn.Module, ABC):
    """A network (batch, bands, frames) → (batch, 1, frames × hop)."""

    conv_pre: Conv
    conv_post: Conv
    resblocks: nn.ModuleList
    channels_last = False  # whether signals lie channels last where that is faster

    def __init__(self, bands: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.bands = bands
        self.hop = math.prod(rates)  # samples a frame

    def stages(self) -> Iterator[tuple[Stretch, Sequence[ResidualBlock]]]:
        """Yield each stretching layer with the blocks after it."""
        stretches = self.stretches()
        each = len(self.resblocks) // len(stretches)
        for stage, stretch in enumerate(stretches):
            blocks = list(self.resblocks[stage * each : (stage + 1) * each])
            yield stretch, cast("list[ResidualBlock]", blocks)

    @abstractmethod
    def stretches(self) -> list[Stretch]: ...

    @property
    def width(self) -> int:
        """Count the numbers a frame of the widest signal between two layers."""
        rate, widest = 1, self.conv_pre.out_channels
        for stretch in self.stretches():
            rate *= int(stretch.stride[0])
            widest = max(widest, rate * stretch.out_channels)
        return widest

    def as_image(self, mel: Tensor) -> Tensor:
        """Give the mel as an image of one line, in the memory order that is read fastest."""
        x = mel.unsqueeze(2)
        # On a GPU only in 16 bits: those are the convolutions that read channels last there.
        if self.channels_last and (not x.is_cuda or x.itemsize == 2):
            x = x.contiguous(memory_format=torch.channels_last)
        return x

    def plain(self) -> MelNet:
        """Compute as published from now on: the reference for everything faster."""
        self._use_channels_last(False)
        return self

    def fast(self) -> MelNet:
        """Compute as fast as this machine can from now on; weights and results stay the same."""
        self._use_channels_last(True)
        return self

    def _use_channels_last(self, wanted: bool) -> None:
        self.channels_last = wanted
        for layer in self.modules():
            if isinstance(layer, Conv | Stretch):
                layer.packed = PackedWeights(layer) if wanted else None

    def reach(self) -> Reach:
        """Work out the frames that a frame's sound depends on, from the last layer to the first."""
        needed = self.reach_before_post(input_span(self.conv_post, Span(0, self.hop - 1)))
        for stretch, blocks in reversed(list(self.stages())):
            needed = input_span(stretch, union(block.reach(needed) for block in blocks))
        needed = input_span(self.conv_pre, needed)
        return Reach(-needed.first, needed.last)

    def reach_before_post(self, needed: Span) -> Span:
        """Widen a span by what lies between the last stage and the last layer."""
        return needed


def average(blocks: Sequence[ResidualBlock], x: Tensor) -> Tensor:
    """Return the mean of the outputs of several blocks for the same input."""
    if not can_be_cut(x):
        return _average(blocks, x)
    return in_tiles(
        partial(_average, blocks), x, union(block.reach(Span(0, 0)) for block in blocks)
    )


def _average(blocks: Sequence[ResidualBlock], x: Tensor) -> Tensor:
    total = blocks[0](x)
    for block in blocks[1:]:
        total.add_(block(x))
    return total.div_(len(blocks))
