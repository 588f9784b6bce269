"""RVC's synthesizer: content features and a pitch become latent frames, and these become sound.

Windows are not padded, so nothing is masked. Noise is an argument everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.acceleration.weight_norm import fold_weight_norm
from realtime.engines.rvc.networks.shapes import RvcShape
from realtime.networks.flow import Flow
from realtime.networks.relative_encoder import RelativeEncoder
from realtime.vocoders.networks.hifigan import Generator
from realtime.vocoders.networks.pitched_generator import PitchedGenerator

SPREAD = 0.66666  # by which the noise of latent frames is scaled, as published
SLOPE = 0.1
TRAINING = "enc_q."  # the part of a file that only training reads


class PhoneEncoder(nn.Module):
    """The encoder `enc_p`: content features and coarse pitches to latent frames' distribution."""

    def __init__(self, shape: RvcShape) -> None:
        super().__init__()
        self.scale = math.sqrt(shape.hidden)
        self.emb_phone = nn.Linear(shape.content, shape.hidden)
        if shape.pitches:
            self.emb_pitch = nn.Embedding(shape.pitches, shape.hidden)
        self.encoder = RelativeEncoder(
            shape.hidden, shape.inner, shape.heads, shape.layers, shape.kernel, shape.window
        )
        self.proj = nn.Conv1d(shape.hidden, 2 * shape.latent, 1)

    def forward(self, content: Tensor, coarse: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the mean and the logarithm of the spread of each latent frame."""
        x = self.emb_phone(content)
        if coarse is not None:
            x = x + self.emb_pitch(coarse)
        x = functional.leaky_relu(x * self.scale, SLOPE).transpose(1, 2)
        mean, log_spread = self.proj(self.encoder(x)).chunk(2, dim=1)
        return mean, log_spread


class RvcSynthesizer(nn.Module):
    """The network of a voice."""

    def __init__(self, shape: RvcShape) -> None:
        super().__init__()
        self.shape = shape
        self.enc_p = PhoneEncoder(shape)
        self.flow = Flow(shape.latent, shape.hidden, shape.style, shape.flow_layers)
        self.emb_g = nn.Embedding(shape.speakers, shape.style)
        make = PitchedGenerator if shape.pitches else Generator
        self.dec: Generator = make(shape.decoder)

    @staticmethod
    def loaded(weight: Mapping[str, Tensor], config: Sequence[Any], rate: int) -> RvcSynthesizer:
        """Build the network of a file's tensors; a missing or unknown one is an error."""
        kept = {n: value.float() for n, value in weight.items() if not n.startswith(TRAINING)}
        state = fold_weight_norm(kept)
        with torch.device("meta"):  # sizes that a file states cost no memory
            network = RvcSynthesizer(RvcShape.of(state, config, rate))
        network.load_state_dict(state, assign=True)
        return network.eval().requires_grad_(False)

    @property
    def hop(self) -> int:
        """Return the samples of a frame."""
        return self.dec.hop

    def style(self, speaker: int) -> Tensor:
        """Return (1, style, 1) of a speaker."""
        row: Tensor = self.emb_g.weight[speaker]
        return row[None, :, None]

    def latent(
        self, content: Tensor, coarse: Tensor | None, noise: Tensor, style: Tensor
    ) -> Tensor:
        """Return latent frames of the voice: as many as the noise has, the last of the content.

        `content` is (1, frames, width), `coarse` (1, frames), `noise` (1, latent, frames).
        """
        mean, log_spread = self.enc_p(content, coarse)
        start = mean.shape[2] - noise.shape[2]
        mean, log_spread = mean[..., start:], log_spread[..., start:]
        frames: Tensor = self.flow(mean + log_spread.exp() * noise * SPREAD, style)
        return frames

    def sound(self, latent: Tensor, style: Tensor, source: Tensor | None) -> Tensor:
        """Return (1, 1, samples) of latent frames, with the source of a voice with pitch."""
        samples: Tensor = self.dec(latent, style, source)
        return samples

    def stretched_sound(
        self, latent: Tensor, style: Tensor, source: Tensor | None, frames: int
    ) -> Tensor:
        """Return the sound of latent frames stretched to so many, the source with them.

        Played faster by the same factor, it lasts as long as before and its formants lie higher.
        """
        if frames != latent.shape[2]:
            latent = functional.interpolate(latent, size=frames, mode="linear")
            if source is not None:
                source = functional.interpolate(source, size=frames * self.hop, mode="linear")
        return self.sound(latent, style, source)
