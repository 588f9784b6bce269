"""BigVGAN's activation: Snake at twice the rate, with a filter at both changes of rate.

The parameters have their published names. The function that computes the activation may be
replaced: `published` goes step by step, and the faster ones are in `fastest_snake`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.keep_fp32 import KeepFp32
from realtime.vocoders.networks.receptive_field import Span

TAPS = 12  # of each filter, as published
TINY = 1e-9  # as published: keeps 1/β finite

# Takes a signal, the taps of both filters, and the scales of x + outer · sin²(inner · x).
ActivationFunction = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def published(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Compute the activation step by step, as published: the reference for every faster form."""
    channels, kind = x.shape[1], x.dtype
    up, down = (taps.to(kind).expand(channels, 1, TAPS).unsqueeze(2) for taps in (up, down))
    x = functional.pad(x, (5, 5, 0, 0), mode="replicate")
    x = 2 * functional.conv_transpose2d(x, up, stride=(1, 2), padding=(0, 15), groups=channels)
    inner, outer = (scale.view(1, channels, 1, 1) for scale in (inner, outer))
    x = (x + outer * torch.sin(x * inner).square()).to(kind)
    x = functional.pad(x, (5, 6, 0, 0), mode="replicate")
    return functional.conv2d(x, down, stride=(1, 2), groups=channels)


def lowpass() -> Tensor:
    """Make the half-band filter of both changes of rate: a sinc under a Kaiser window."""
    cutoff, width = 0.25, 0.3  # of the doubled rate, as published
    attenuation = 2.285 * (TAPS // 2 - 1) * math.pi * 4 * width + 7.95
    beta = 0.1102 * (attenuation - 8.7)  # Kaiser's formulas for his window
    if attenuation <= 50:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    window = torch.kaiser_window(TAPS, periodic=False, beta=beta)
    times = torch.arange(TAPS) - (TAPS - 1) / 2
    taps = 2 * cutoff * window * torch.sinc(2 * cutoff * times)
    return (taps / taps.sum()).view(1, 1, TAPS)


class Snake(nn.Module):
    """x + sin²(αx)/β; with one parameter β is α, and on a logarithmic scale both are exponents."""

    def __init__(self, channels: int, both: bool, logarithmic: bool) -> None:
        super().__init__()
        start = torch.zeros(channels) if logarithmic else torch.ones(channels)
        self.alpha = nn.Parameter(start.clone())
        if both:
            self.beta = nn.Parameter(start.clone())
        self._both, self._logarithmic = both, logarithmic

    def scales(self) -> tuple[Tensor, Tensor]:
        alpha: Tensor = self.alpha
        beta: Tensor = self.beta if self._both else self.alpha
        if self._logarithmic:
            alpha, beta = alpha.exp(), beta.exp()
        return alpha, 1.0 / (beta + TINY)


class Filter(nn.Module):
    """The taps of a filter under their published name."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", lowpass())
        self.filter: Tensor


class Down(nn.Module):
    """The filter on the way down, one level deeper because of its published name."""

    def __init__(self) -> None:
        super().__init__()
        self.lowpass = Filter()


class Activation(KeepFp32):
    """Snake at twice the rate, so that its overtones do not fold back.

    Its parameters stay in fp32 when the network gets 16 bits: a rounded α bends every phase, and
    1/β may be larger than fp16 can hold.
    """

    def __init__(self, channels: int, both: bool = True, logarithmic: bool = True) -> None:
        super().__init__()
        self.upsample = Filter()
        self.act = Snake(channels, both, logarithmic)
        self.downsample = Down()
        self.function: ActivationFunction = published
        for name in ("inner", "outer"):  # computed once, by `precompute_scales`
            self.register_buffer(name, None, persistent=False)
        self.inner: Tensor | None
        self.outer: Tensor | None

    def precompute_scales(self) -> None:
        """Compute the scales once; called when the weights have their final values."""
        with torch.no_grad():
            self.inner, self.outer = (scale.clone() for scale in self.act.scales())

    def forward(self, x: Tensor) -> Tensor:
        inner, outer = self.inner, self.outer
        if inner is None or outer is None:
            inner, outer = self.act.scales()
        return self.function(x, self.upsample.filter, self.downsample.lowpass.filter, inner, outer)

    @staticmethod
    def reach(needed: Span) -> Span:
        """Widen a span of the output by both filters."""
        first, last = 2 * needed.first - 5, 2 * needed.last - 5 + TAPS - 1  # at twice the rate
        return Span(-((-first - 4) // 2) - 5, (last + 15) // 2 - 5)
