"""Convolutions over time that keep their published one-dimensional weights.

Signals are (batch, channels, 1, samples), images of one line: so they may lie channels last, and
processors read all channels of a sample at once.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from realtime.vocoders.networks.packing import PackedWeights


def lay_channels_last(weight: Tensor) -> Tensor:
    """Give the same weights, lying channels last when they are read as an image of one line.

    In 16 bits a GPU's convolutions read them so, and would otherwise reorder them at every call.
    """
    return weight.transpose(1, 2).contiguous().transpose(1, 2)


class ChannelsLastWeights(nn.Module):
    """A layer whose 16-bit weights lie channels last while the network is in its fast form."""

    packed: PackedWeights | None
    weight: Tensor

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ChannelsLastWeights:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.packed is not None and self.weight.itemsize == 2:
            self.weight.data = lay_channels_last(self.weight.data)
        return self


class Conv(ChannelsLastWeights, nn.Conv1d):
    """A convolution whose output is as long as its input."""

    def __init__(
        self, inputs: int, outputs: int, size: int, dilation: int = 1, bias: bool = True
    ) -> None:
        pad = (size - 1) * dilation // 2
        super().__init__(inputs, outputs, size, dilation=dilation, padding=pad, bias=bias)
        self._pad, self._dilation = pad, dilation
        self.packed: PackedWeights | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.packed is not None and (output := self.packed(x)) is not None:
            return output
        return functional.conv2d(
            x,
            self.weight.unsqueeze(2),
            self.bias,
            padding=(0, self._pad),
            dilation=(1, self._dilation),
        )


class Stretch(ChannelsLastWeights, nn.ConvTranspose1d):
    """A transposed convolution that gives exactly `rate` samples for one."""

    def __init__(self, inputs: int, outputs: int, size: int, rate: int) -> None:
        if (size - rate) % 2 or size < rate:
            raise ValueError(f"a kernel of {size} cannot stretch by exactly {rate}")
        super().__init__(inputs, outputs, size, rate, padding=(size - rate) // 2)
        self._rate, self._pad = rate, (size - rate) // 2
        self.packed: PackedWeights | None = None

    def forward(self, x: Tensor, output_size: object = None) -> Tensor:
        if self.packed is not None and (output := self.packed(x)) is not None:
            return output
        return functional.conv_transpose2d(
            x, self.weight.unsqueeze(2), self.bias, stride=(1, self._rate), padding=(0, self._pad)
        )
