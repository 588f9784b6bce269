"""Convolutions over time that keep their published one-dimensional weights.

Signals are (batch, channels, 1, samples): as pictures of one line they may lie channels last, which
lets processors read all channels of a sample at once.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from realtime.vocoders.networks.packing import Packed


def in_rows(weight: Tensor) -> Tensor:
    """The same weights so that, as a picture of one line, they lie channels last.

    In 16 bits a GPU's convolutions read them so, and would else turn them round at every call.
    """
    return weight.transpose(1, 2).contiguous().transpose(1, 2)


class Rows(nn.Module):
    """What both layers do with weights that are shortened in a network in its quick form."""

    packed: Packed | None
    weight: Tensor

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Rows:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.packed is not None and self.weight.itemsize == 2:
            self.weight.data = in_rows(self.weight.data)
        return self


class Conv(Rows, nn.Conv1d):
    """A convolution of the same length."""

    def __init__(self, come: int, go: int, size: int, dilation: int = 1, bias: bool = True) -> None:
        pad = (size - 1) * dilation // 2
        super().__init__(come, go, size, dilation=dilation, padding=pad, bias=bias)
        self._pad, self._dilation = pad, dilation
        self.packed: Packed | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.packed is not None and (made := self.packed(x)) is not None:
            return made
        return functional.conv2d(
            x,
            self.weight.unsqueeze(2),
            self.bias,
            padding=(0, self._pad),
            dilation=(1, self._dilation),
        )


class Stretch(Rows, nn.ConvTranspose1d):
    """A transposed convolution: `rate` samples for one."""

    def __init__(self, come: int, go: int, size: int, rate: int) -> None:
        if (size - rate) % 2 or size < rate:
            raise ValueError(f"a kernel of {size} cannot stretch by exactly {rate}")
        super().__init__(come, go, size, rate, padding=(size - rate) // 2)
        self._rate, self._pad = rate, (size - rate) // 2
        self.packed: Packed | None = None

    def forward(self, x: Tensor, output_size: object = None) -> Tensor:
        if self.packed is not None and (made := self.packed(x)) is not None:
            return made
        return functional.conv_transpose2d(
            x, self.weight.unsqueeze(2), self.bias, stride=(1, self._rate), padding=(0, self._pad)
        )
