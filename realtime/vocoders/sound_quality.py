"""Distances between a sound and its reference."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

FRAME = 1_024  # samples of a spectrum
HOP = 256  # samples from one spectrum to the next
SMALLEST = 1e-10  # power; what is quieter counts as this, since nobody hears a difference there


@dataclass(frozen=True)
class Quality:
    """The distance of a sound from its reference, both without their means.

    `snr_db` and `max_error` decide whether a plan is right; the others are only shown.
    `similarity` is 1 - mae, as published; `cosine` is that of the angle between both.
    """

    mse: float
    mae: float
    max_error: float
    snr_db: float
    log_spectral_distance_db: float
    similarity: float
    cosine: float
    offset: float  # between the two means

    def as_json(self) -> dict[str, float | None]:
        """Give the figures for JSON, which has no infinity: None stands for it."""
        return {k: v if math.isfinite(v) else None for k, v in asdict(self).items()}


Sound: TypeAlias = "Tensor | npt.NDArray[np.floating[Any]]"


def compare(found: Sound, reference: Sound) -> Quality:
    """Compare sounds of one shape, whose samples lie along the last axis."""
    if found.shape != reference.shape:
        raise ValueError(f"the shapes differ: {tuple(found.shape)}, {tuple(reference.shape)}")
    x, y = _rows(found), _rows(reference)
    offset = (x.mean(-1) - y.mean(-1)).abs().max().item()
    x, y = x - x.mean(-1, keepdim=True), y - y.mean(-1, keepdim=True)
    error = x - y
    mae = error.abs().mean().item()
    return Quality(
        mse=error.square().mean().item(),
        mae=mae,
        max_error=error.abs().max().item(),
        snr_db=_decibels(y.square().sum().item(), error.square().sum().item()),
        log_spectral_distance_db=_log_spectral_distance(x, y),
        similarity=1.0 - mae,
        cosine=_cosine(x, y),
        offset=offset,
    )


def _rows(sound: Sound) -> Tensor:
    import torch

    values = torch.as_tensor(sound).detach().to("cpu", torch.float64)
    return values.reshape(-1, values.shape[-1]) if values.dim() else values.reshape(1, 1)


def _decibels(signal: float, noise: float) -> float:
    if math.isnan(noise) or math.isnan(signal):
        return -math.inf
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def _cosine(x: Tensor, y: Tensor) -> float:
    both = (x.norm() * y.norm()).item()
    return (x * y).sum().item() / both if both > 0 else float(x.norm().item() == y.norm().item())


def _log_spectral_distance(x: Tensor, y: Tensor) -> float:
    """Give the mean over frames of the spectra's distance in decibels."""
    difference = _log_power(x) - _log_power(y)
    return difference.square().mean(dim=-2).sqrt().mean().item()


def _log_power(x: Tensor) -> Tensor:
    import torch

    frame = min(FRAME, x.shape[-1])
    # Without the two zeros at the window's ends, which would be all that a very short sound has.
    window = torch.hann_window(frame + 2, periodic=False, dtype=x.dtype)[1:-1]
    spectra = torch.stft(
        x, frame, min(HOP, frame), frame, window, center=False, return_complex=True
    )
    return 10 * spectra.abs().square().clamp_min(SMALLEST).log10()
