"""Frames and samples of neighbouring chunks, joined without a step."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def blend_frames(frames: Tensor, before: Tensor, count: int) -> Tensor:
    """Let the first frames rise by a sine while the last ones of the chunk before fall away.

    It is the published curve: the squares of both add up to 1, not the values.
    """
    if not count:
        return frames
    step = torch.arange(2 * count, device=frames.device, dtype=frames.dtype)
    curve = torch.sin(math.pi * step / (2 * count))
    joined = curve[:count] * frames[..., :count] + curve[count:] * before[..., -count:]
    return torch.cat([joined, frames[..., count:]], dim=-1)
