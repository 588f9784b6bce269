"""What vocoders are: a log mel stretched to sound in stages, each the mean of several blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from realtime.vocoders.networks.layers import Conv, Stretch
from realtime.vocoders.networks.packing import Packed
from realtime.vocoders.networks.receptive_field import Span, through, union
from realtime.vocoders.networks.windows import Reach


class ResidualBlock(Protocol):
    """One way through a stage; it keeps channels and length."""

    def __call__(self, x: Tensor) -> Tensor: ...

    def reach(self, needed: Span) -> Span: ...


class MelNet(nn.Module):
    """(batch, bands, frames) → (batch, 1, frames × hop)."""

    conv_pre: Conv
    conv_post: Conv
    resblocks: nn.ModuleList
    rows = False  # whether signals lie channels last where that is quicker

    def __init__(self, bands: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.bands = bands
        self.hop = math.prod(rates)  # samples a frame

    def stages(self) -> Iterator[tuple[Stretch, Sequence[ResidualBlock]]]:
        """Each stretching layer and the blocks after it."""
        stretches = self.stretches()
        each = len(self.resblocks) // len(stretches)
        for stage, stretch in enumerate(stretches):
            yield stretch, list(self.resblocks[stage * each : (stage + 1) * each])  # type: ignore[arg-type]

    def stretches(self) -> list[Stretch]:
        raise NotImplementedError

    @property
    def width(self) -> int:
        """Numbers a frame of the widest signal between two layers."""
        rate, widest = 1, self.conv_pre.out_channels
        for stretch in self.stretches():
            rate *= int(stretch.stride[0])
            widest = max(widest, rate * stretch.out_channels)
        return widest

    def arranged(self, mel: Tensor) -> Tensor:
        """The mel as a picture of one line, its channels where they are read fastest."""
        x = mel.unsqueeze(2)
        if self.rows and (not x.is_cuda or x.itemsize == 2):
            x = x.contiguous(memory_format=torch.channels_last)
        return x

    def plain(self) -> MelNet:
        """From now on as published: the measure of everything faster."""
        self._lie(rows=False)
        return self

    def fast(self) -> MelNet:
        """From now on as fast as this machine can, with the same weights and results."""
        self._lie(rows=True)
        return self

    def _lie(self, rows: bool) -> None:
        self.rows = rows
        for layer in self.modules():
            if isinstance(layer, Conv | Stretch):
                layer.packed = Packed(layer) if rows else None

    def reach(self) -> Reach:
        """What a frame's sound depends on, from the last layer back to the first."""
        needed = self.before_post(through(self.conv_post, Span(0, self.hop - 1)))
        for stretch, blocks in reversed(list(self.stages())):
            needed = through(stretch, union(block.reach(needed) for block in blocks))
        needed = through(self.conv_pre, needed)
        return Reach(-needed.first, needed.last)

    def before_post(self, needed: Span) -> Span:
        """What lies between the last stage and the last layer may reach further."""
        return needed


def average(blocks: Sequence[ResidualBlock], x: Tensor) -> Tensor:
    """The mean of what several blocks make of the same."""
    total = blocks[0](x)
    for block in blocks[1:]:
        total = total + block(x)
    return total / len(blocks)
