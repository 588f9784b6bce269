"""BigVGAN's activation: twice the rate, Snake, back to the rate, each change of rate filtered.

The plain form does it step by step, as published; it is the measure of every faster form.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.networks.reach import Span

TAPS = 12
TINY = 1e-9


def lowpass() -> Tensor:
    """The half-band filter of both changes of rate: a sinc under a Kaiser window."""
    cutoff, width = 0.25, 0.3
    attenuation = 2.285 * (TAPS // 2 - 1) * math.pi * 4 * width + 7.95
    beta = 0.1102 * (attenuation - 8.7)
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
        self.both = both
        self.logarithmic = logarithmic

    def scales(self) -> tuple[Tensor, Tensor]:
        """What goes into the sine, and what its square is multiplied by."""
        alpha, beta = self.alpha, self.beta if self.both else self.alpha
        if self.logarithmic:
            alpha, beta = alpha.exp(), beta.exp()
        return alpha, 1.0 / (beta + TINY)

    def forward(self, x: Tensor) -> Tensor:
        inner, outer = (scale[None, :, None] for scale in self.scales())
        return x + outer * torch.sin(x * inner).square()


class Filter(nn.Module):
    """Holds taps under the published name."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", lowpass())
        self.filter: Tensor


class Up(Filter):
    """Twice the rate."""

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        x = functional.pad(x, (5, 5), mode="replicate")
        taps = self.filter.expand(channels, 1, TAPS)
        return 2 * functional.conv_transpose1d(x, taps, stride=2, padding=15, groups=channels)


class Down(nn.Module):
    """Half the rate."""

    def __init__(self) -> None:
        super().__init__()
        self.lowpass = Filter()

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        x = functional.pad(x, (5, 6), mode="replicate")
        taps = self.lowpass.filter.expand(channels, 1, TAPS)
        return functional.conv1d(x, taps, stride=2, groups=channels)


class Activation(nn.Module):
    """Snake at twice the rate, so that its overtones do not fold back."""

    def __init__(self, channels: int, both: bool = True, logarithmic: bool = True) -> None:
        super().__init__()
        self.upsample = Up()
        self.act = Snake(channels, both, logarithmic)
        self.downsample = Down()

    def forward(self, x: Tensor) -> Tensor:
        return self.plain(x)

    def plain(self, x: Tensor) -> Tensor:
        result: Tensor = self.downsample(self.act(self.upsample(x)))
        return result

    @staticmethod
    def reach(needed: Span) -> Span:
        first, last = 2 * needed.first - 5, 2 * needed.last - 5 + TAPS - 1  # at twice the rate
        return Span(-((-first - 4) // 2) - 5, (last + 15) // 2 - 5)
