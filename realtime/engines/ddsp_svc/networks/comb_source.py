"""The comb source: a train of pulses, one a period, with all partials up to half the rate.

The pitch moves in a straight line from frame to frame. Phases are counted in turns, in the
precision of the pitch. The published programs have float32; a stream that goes on needs float64.
"""

from __future__ import annotations

import torch
from torch import Tensor

LEAST_STEP = 1e-5  # turns a sample, added to the divisor as published


def comb_source(pitch: Tensor, rate: float, hop: int, start: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return the sound (batch, frames · hop) and the phase of each frame's first sample.

    `pitch` is (batch, frames) in Hz; `start` is the phase in turns before the first sample.
    """
    step = pitch / rate  # turns a sample
    slope = torch.zeros_like(step)
    slope[:, :-1] = step.diff(dim=1)
    place = torch.arange(hop, dtype=pitch.dtype, device=pitch.device)
    turns = step[..., None] * (place + 1)
    turns = turns + 0.5 * slope[..., None] * place * (place + 1) / hop
    turns = turns + frame_phases(turns[..., -1], start)[..., None]
    turns = turns - turns.round()
    moving = step[..., None] + slope[..., None] * place / hop
    sound = torch.sinc(turns / (moving + LEAST_STEP))
    return sound.flatten(1).float(), turns[..., 0].float()


def frame_phases(ends: Tensor, start: float = 0.0) -> Tensor:
    """Return the phase before each frame, for the turns (batch, frames) that each frame makes."""
    # fmod, which keeps the sign: what `remainder` gives is half a turn away for a negative number.
    wrapped = torch.fmod(ends + 0.5, 1.0) - 0.5
    made = torch.fmod(start + wrapped.cumsum(1), 1.0)
    return torch.cat([torch.full_like(made[:, :1], start), made[:, :-1]], dim=1)


def frame_turns(pitch: Tensor, rate: float, hop: int) -> Tensor:
    """Return the turns that the source makes in each frame but the last, (batch, frames - 1)."""
    step = pitch / rate
    return step[:, :-1] * hop + 0.5 * step.diff(dim=1) * (hop - 1)
