"""HiFi-GAN's generator with a source of harmonics added in: of RVC, and NSF-HiFiGAN.

Both are told the pitch of each frame. RVC's takes latent frames and a speaker; NSF-HiFiGAN takes a
log mel. The smaller form of NSF-HiFiGAN has a plain sine as its source, and adds it in once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from realtime.vocoders.networks.harmonic_source import HarmonicSource, Source, sine_source
from realtime.vocoders.networks.hifigan import Generator, GeneratorShape

LOG10 = math.log10(math.e)  # log mels with base 10 come to a network trained with them by this
SINE_STAGE = 1  # the stage of the smaller form in which the sine is added


@dataclass(frozen=True)
class PitchedShape(GeneratorShape):
    """The arguments of a generator, and those of its source."""

    rate: int = 44_100  # samples a second
    harmonics: int = 9  # 1 in RVC
    sine: bool = False  # the smaller form, `mini_nsf` in its configuration


class SourceConv(nn.Conv1d):
    """A convolution that brings the source to the rate of a stage."""

    def __init__(self, outputs: int, stride: int) -> None:
        if stride % 2 and stride > 1:
            raise ValueError(f"a source cannot be made coarser by exactly {stride}")
        size = 2 * stride if stride > 1 else 1
        super().__init__(1, outputs, size, stride, padding=stride // 2)
        self._stride, self._pad = stride, stride // 2

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(
            x,
            self.weight.unsqueeze(2),
            self.bias,
            stride=(1, self._stride),
            padding=(0, self._pad),
        )


class PitchedGenerator(Generator):
    """The generator; `source` makes what it takes besides its frames."""

    def __init__(self, shape: PitchedShape) -> None:
        super().__init__(shape)
        self.rate, self.has_sine = shape.rate, shape.sine
        self.harmonics = 0 if shape.sine else shape.harmonics
        rates = shape.upsample_rates
        widths = [stretch.out_channels for stretch in self.stretches()]
        if shape.sine:
            self._source_hop = math.prod(rates[: SINE_STAGE + 1])
            self.source_conv = SourceConv(widths[SINE_STAGE], 1)
            return
        self._source_hop = self.hop
        self.m_source = HarmonicSource(shape.harmonics, self.hop, shape.rate)
        self.noise_convs = nn.ModuleList(
            [SourceConv(width, math.prod(rates[stage + 1 :])) for stage, width in enumerate(widths)]
        )

    def source(
        self,
        pitch: Tensor,
        noise: Tensor | None = None,
        start: Tensor | float = 0.0,
        offsets: Tensor | float = 0.0,
    ) -> Source:
        """Return the source of a pitch in Hz, (batch, frames), that begins with a phase.

        `noise`, (batch, samples, harmonics), and `offsets` are of harmonics: a sine has none.
        """
        if self.has_sine:
            rate = self.rate * self._source_hop / self.hop  # 5512.5 Hz as published
            return sine_source(pitch, self._source_hop, rate, start)
        assert noise is not None, "harmonics come with noise"
        made: Source = self.m_source(pitch, noise, start, offsets)
        return made

    def add_source(self, x: Tensor, stage: int, source: Tensor | None) -> Tensor:
        if source is None:
            return x
        if self.has_sine:
            return x.add_(self.source_conv(source.unsqueeze(2))) if stage == SINE_STAGE else x
        added: Tensor = self.noise_convs[stage](source.unsqueeze(2))
        return x.add_(added)
