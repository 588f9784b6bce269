"""Content, pitch and volume become the filters of both sources, frame by frame.

The parameters have the published names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.engines.ddsp_svc.networks.shapes import DdspShape
from realtime.networks.conformer import ConformerConvolutions, sigmoid_gate, silu_gate

GROUPS = 4  # of the norm between the first convolutions of 6.0
MOST_SHIFT = 5.0  # semitones of formants: what the network was trained with is -1 to 1
HALF_MEL_HZ = 700.0


class FrameInputs(NamedTuple):
    """The numbers of each frame; those of the sources are made by `DdspVoice`."""

    units: Tensor  # (batch, frames, size)
    pitch: Tensor  # (batch, frames) in Hz, without zeros
    volume: Tensor  # (batch, frames)
    speakers: Tensor  # (batch, speakers): the weight of each
    formant: Tensor  # (batch, 1) semitones


class FrameAttention(nn.Module):
    """Attention of a frame to itself alone, as the published programs have it.

    They built a layer for (frames, batch, width) and fed it (batch, frames, width): it attends
    over the batch. With one voice in a batch each frame sees itself, and its weight is 1.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        values = slice(2 * x.shape[-1], None)  # behind the queries and the keys
        seen = functional.linear(x, self.in_proj_weight[values], self.in_proj_bias[values])
        output: Tensor = self.out_proj(seen)
        return output


class AttentionLayer(nn.Module):
    """A transformer's layer with its norms behind its parts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.self_attn = FrameAttention(width)
        self.linear1 = nn.Linear(width, 4 * width)
        self.linear2 = nn.Linear(4 * width, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] != 1:
            raise ValueError("a voice with attention takes one stream at a time")
        x = self.norm1(x + self.self_attn(x))
        output: Tensor = self.norm2(x + self.linear2(functional.gelu(self.linear1(x))))
        return output


class DecoderLayer(nn.Module):
    """A conformer's layer; its attention is only there in voices that were trained with it."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__()
        width = shape.width
        self.attn = AttentionLayer(width) if shape.attention else None
        self.norm = nn.LayerNorm(width) if shape.attention else None
        old = shape.version == "6.0"
        self.conformer = ConformerConvolutions(
            width,
            gate=sigmoid_gate if old else silu_gate,
            activation=nn.SiLU() if old else nn.PReLU(2 * width),
            norm=shape.norm,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Turn (batch, frames, width) into the same."""
        if self.attn is not None and self.norm is not None:
            x = x + self.attn(self.norm(x))
        output: Tensor = x + self.conformer(x.transpose(1, 2)).transpose(1, 2)
        return output


class Unit2Control(nn.Module, ABC):
    """The network: `forward` gives (batch, frames, 4 · bins), `hidden` what it is made of."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__()
        width = shape.width
        self.volume_embed = nn.Linear(1, width)
        self.spk_embed = nn.Embedding(shape.speakers, width) if shape.has_speakers else None
        self.aug_shift_embed = nn.Linear(1, width, bias=False) if shape.pitch_aug else None
        layers = nn.ModuleList([DecoderLayer(shape) for _ in range(shape.layers)])
        self.decoder = nn.ModuleDict({"encoder_layers": layers})
        self.norm = nn.LayerNorm(width)
        self.dense_out = nn.Linear(width, 4 * shape.bins)

    def forward(self, inputs: FrameInputs, comb: Tensor, noise: Tensor, phase: Tensor) -> Tensor:
        """Give the filters; the sources are (batch, frames, hop), `phase` (batch, frames) turns."""
        controls: Tensor = self.dense_out(self.hidden(inputs, comb, noise, phase))
        return controls

    def hidden(self, inputs: FrameInputs, comb: Tensor, noise: Tensor, phase: Tensor) -> Tensor:
        x = self.read(inputs, comb, noise, phase) + self.volume_embed(inputs.volume[..., None])
        if self.spk_embed is not None:
            x = x + (inputs.speakers @ self.spk_embed.weight)[:, None]
        if self.aug_shift_embed is not None:
            x = x + self.aug_shift_embed(inputs.formant / MOST_SHIFT)[:, None]
        for layer in self.decoder["encoder_layers"].children():
            x = layer(x)
        output: Tensor = self.norm(x)
        return output

    @abstractmethod
    def read(self, inputs: FrameInputs, comb: Tensor, noise: Tensor, phase: Tensor) -> Tensor:
        """Return (batch, frames, width) of what the version is given besides the volume."""


class PhaseUnit2Control(Unit2Control):
    """The network of 6.0, which is told the pitch and the phase of each frame."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__(shape)
        width = shape.width
        self.f0_embed = nn.Linear(1, width)
        self.phase_embed = nn.Linear(1, width)
        self.stack = nn.Sequential(
            nn.Conv1d(shape.units, width, 3, padding=1),
            nn.GroupNorm(GROUPS, width),
            nn.LeakyReLU(),
            nn.Conv1d(width, width, 3, padding=1),
        )

    def read(self, inputs: FrameInputs, comb: Tensor, noise: Tensor, phase: Tensor) -> Tensor:
        x: Tensor = self.stack(inputs.units.transpose(1, 2)).transpose(1, 2)
        x = x + self.f0_embed(torch.log1p(inputs.pitch.float() / HALF_MEL_HZ)[..., None])
        output: Tensor = x + self.phase_embed(2.0 * phase[..., None])  # half turns, as published
        return output


class SourceUnit2Control(Unit2Control):
    """The network of 6.1 and later, which hears the sources that it filters."""

    def __init__(self, shape: DdspShape) -> None:
        super().__init__(shape)
        self.stack = _stack(shape.units, shape.inner, shape.width)
        self.stack2 = _stack(2 * shape.hop, shape.inner, shape.width)

    def read(self, inputs: FrameInputs, comb: Tensor, noise: Tensor, phase: Tensor) -> Tensor:
        sources = torch.cat([comb, noise], dim=2).transpose(1, 2)
        both: Tensor = self.stack(inputs.units.transpose(1, 2)) + self.stack2(sources)
        return both.transpose(1, 2)


def _stack(size: int, inner: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(size, inner, 3, padding=1),
        nn.PReLU(inner),
        nn.Conv1d(inner, width, 3, padding=1),
    )
