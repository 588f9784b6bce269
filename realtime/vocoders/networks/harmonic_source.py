"""The source of a generator with pitch: sines at multiples of the pitch, and noise.

Phases are counted in cycles and kept modulo 1 in float64: a float32 that grows over a stream would
lose the pitch within minutes. So a sound may go on where the one before ended.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

AMPLITUDE = 0.1  # of a sine
VOICED_NOISE = 0.003  # the spread of the noise beside sines
UNVOICED_NOISE = AMPLITUDE / 3  # and where there is no pitch


class Phases(NamedTuple):
    """Phases of the first harmonic in cycles, and the one with which the next sound begins."""

    each: Tensor  # (batch, samples)
    end: Tensor  # (batch,)


class Source(NamedTuple):
    """The signal of a source, and the phase with which the next sound begins."""

    signal: Tensor  # (batch, 1, samples)
    end: Tensor  # (batch,)


def phases(
    pitch: Tensor, hop: int, rate: float, start: Tensor | float = 0.0, *, glide: bool = False
) -> Phases:
    """Return the phases of a pitch in Hz, (batch, frames), with `hop` samples a frame.

    A frame has one pitch, or glides to that of the next one. The last frame has none to glide to:
    the phase at its end is exact only without gliding.
    """
    step = pitch.double() / rate
    slope = torch.zeros_like(step)
    if glide:
        slope[:, :-1] = step.diff(dim=1) / 2
    count = torch.arange(1, hop + 1, dtype=torch.float64, device=pitch.device)
    within = step.unsqueeze(2) * count + slope.unsqueeze(2) * (count * (count - 1) / hop)
    ends = within[..., -1].cumsum(1) + torch.as_tensor(start, device=pitch.device).reshape(-1, 1)
    each = within + (ends - within[..., -1]).unsqueeze(2)
    return Phases(each.flatten(1).remainder(1.0), ends[:, -1].remainder(1.0))


class HarmonicSource(nn.Module):
    """Harmonics with noise, mixed into one signal; noise alone where there is no pitch."""

    def __init__(self, harmonics: int, hop: int, rate: int) -> None:
        super().__init__()
        self.hop, self.rate = hop, rate
        self.l_linear = nn.Linear(harmonics, 1)

    def forward(
        self,
        pitch: Tensor,
        noise: Tensor,
        start: Tensor | float = 0.0,
        offsets: Tensor | float = 0.0,
    ) -> Source:
        """Return the source of a pitch, (batch, frames), 0 where there is none.

        `noise` is (batch, samples, harmonics), normal. `offsets` are cycles that each harmonic is
        ahead of its multiple of the pitch's phase; the first one has none.
        """
        found = phases(pitch, self.hop, self.rate, start)
        numbers = torch.arange(1, self.l_linear.in_features + 1, device=pitch.device)
        later = (numbers > 1) * torch.as_tensor(offsets, device=pitch.device)
        turns = (found.each.unsqueeze(2) * numbers + later.double()).remainder(1.0)
        sines = AMPLITUDE * (2 * torch.pi * turns).sin().to(noise.dtype)
        voiced = (pitch > 0).to(noise.dtype).repeat_interleave(self.hop, dim=1).unsqueeze(2)
        spread = VOICED_NOISE * voiced + UNVOICED_NOISE * (1 - voiced)
        mixed = torch.tanh(self.l_linear(sines * voiced + noise * spread))
        return Source(mixed.transpose(1, 2), found.end)


def sine_source(pitch: Tensor, hop: int, rate: float, start: Tensor | float = 0.0) -> Source:
    """Return a plain sine of a gliding pitch: no noise, and silence where the pitch is 0 Hz."""
    found = phases(pitch, hop, rate, start, glide=True)
    return Source((2 * torch.pi * found.each).sin().to(pitch.dtype).unsqueeze(1), found.end)
