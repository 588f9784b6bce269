"""BigVGAN's activation: twice the rate, Snake, back to the rate, each change of rate filtered.

Here are its parameters under their published names and its way step by step, as published. How it
is computed is a function that may be replaced: faster ones are in `fused`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.keep_fp32 import KeepFp32
from realtime.vocoders.networks.receptive_field import Span

TAPS = 12
TINY = 1e-9

# A signal, the taps of both filters, what goes into the sine, what its square is multiplied by.
Form = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def published(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Step by step; the measure of every faster form."""
    channels, kind = x.shape[1], x.dtype
    up, down = (taps.to(kind).expand(channels, 1, TAPS).unsqueeze(2) for taps in (up, down))
    x = functional.pad(x, (5, 5, 0, 0), mode="replicate")
    x = 2 * functional.conv_transpose2d(x, up, stride=(1, 2), padding=(0, 15), groups=channels)
    inner, outer = (scale.view(1, channels, 1, 1) for scale in (inner, outer))
    x = (x + outer * torch.sin(x * inner).square()).to(kind)
    x = functional.pad(x, (5, 6, 0, 0), mode="replicate")
    return functional.conv2d(x, down, stride=(1, 2), groups=channels)


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
        self._both, self._logarithmic = both, logarithmic

    def scales(self) -> tuple[Tensor, Tensor]:
        alpha: Tensor = self.alpha
        beta: Tensor = self.beta if self._both else self.alpha
        if self._logarithmic:
            alpha, beta = alpha.exp(), beta.exp()
        return alpha, 1.0 / (beta + TINY)


class Filter(nn.Module):
    """Holds taps under the published name."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", lowpass())
        self.filter: Tensor


class Down(nn.Module):
    """A filter one level deeper, as the published names have it."""

    def __init__(self) -> None:
        super().__init__()
        self.lowpass = Filter()


class Activation(KeepFp32):
    """Snake at twice the rate, so that its overtones do not fold back.

    Its parameters stay in fp32 when the network is shortened: a rounded α bends every phase, and
    1/β leaves what fp16 can hold.
    """

    def __init__(self, channels: int, both: bool = True, logarithmic: bool = True) -> None:
        super().__init__()
        self.upsample = Filter()
        self.act = Snake(channels, both, logarithmic)
        self.downsample = Down()
        self.form: Form = published
        for name in ("inner", "outer"):  # worked out once, by `settle`
            self.register_buffer(name, None, persistent=False)
        self.inner: Tensor | None
        self.outer: Tensor | None

    def settle(self) -> None:
        """The weights are what they will be: work out what follows from them."""
        with torch.no_grad():
            self.inner, self.outer = (scale.clone() for scale in self.act.scales())

    def forward(self, x: Tensor) -> Tensor:
        inner, outer = self.inner, self.outer
        if inner is None or outer is None:
            inner, outer = self.act.scales()
        return self.form(x, self.upsample.filter, self.downsample.lowpass.filter, inner, outer)

    @staticmethod
    def reach(needed: Span) -> Span:
        first, last = 2 * needed.first - 5, 2 * needed.last - 5 + TAPS - 1  # at twice the rate
        return Span(-((-first - 4) // 2) - 5, (last + 15) // 2 - 5)
