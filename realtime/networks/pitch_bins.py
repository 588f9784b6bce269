"""Pitch of a network's answer: how likely each of many small steps is, frame by frame."""

from __future__ import annotations

import torch
from torch import Tensor

BESIDE = 4  # steps on each side of the likeliest that are weighed with it
LOWEST = 10.0  # Hz, of 0 cents


def weighted_pitch(
    likely: Tensor, cents: Tensor, threshold: float, *, repeats_edge: bool = False
) -> Tensor:
    """Turn (…, steps) into Hz, as the mean of the steps around the likeliest; 0 for unvoiced.

    A frame is unvoiced unless its likeliest step is above the threshold. Beyond the first and the
    last step there is nothing to weigh, or with `repeats_edge` that step again.
    """
    highest, peak = likely.max(-1, keepdim=True)
    places = peak + torch.arange(-BESIDE, BESIDE + 1, device=likely.device)
    inside = places.clamp(0, likely.shape[-1] - 1)
    weights = likely.gather(-1, inside)
    if not repeats_edge:
        weights = weights * (places == inside)
    mean = (weights * cents[inside]).sum(-1) / weights.sum(-1)
    hertz = LOWEST * torch.exp2(mean / 1200)
    return torch.where(highest[..., 0] > threshold, hertz, torch.zeros_like(hertz))
