"""A recording's log mel as vocoders are trained on: log(max(mel, 1e-5)), a frame every hop."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

FLOOR = 1e-5
TINY = 1e-9
# Slaney's scale: straight up to 1 kHz, a logarithm above.
KNEE_HZ, KNEE_MEL = 1_000.0, 15.0
STEP = math.log(6.4) / 27


@dataclass(frozen=True)
class MelForm:
    """How a mel is made of samples."""

    sample_rate: int
    fft: int
    hop: int
    window: int
    bands: int
    lowest: float = 0.0
    highest: float | None = None


def log_mel(sound: Tensor, form: MelForm) -> Tensor:
    """(batch, samples) → (batch, bands, samples // hop); the edges are mirrored."""
    pad = (form.fft - form.hop) // 2
    sound = functional.pad(sound.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    spectrum = torch.stft(
        sound,
        form.fft,
        form.hop,
        form.window,
        torch.hann_window(form.window, device=sound.device),
        center=False,
        return_complex=True,
    )
    magnitude = (spectrum.real.square() + spectrum.imag.square() + TINY).sqrt()
    return (_bands(form).to(sound.device) @ magnitude).clamp_min(FLOOR).log()


@functools.cache
def _bands(form: MelForm) -> Tensor:
    """(bands, bins): triangles of equal area on Slaney's scale."""
    top = form.highest or form.sample_rate / 2
    mels = torch.linspace(_mel(form.lowest), _mel(top), form.bands + 2, dtype=torch.float64)
    edges = torch.tensor([_hertz(float(mel)) for mel in mels], dtype=torch.float64)
    bins = torch.linspace(0, form.sample_rate / 2, form.fft // 2 + 1, dtype=torch.float64)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    return (torch.minimum(rising, falling).clamp_min(0) * 2 / (high - low)).float()


def _mel(hertz: float) -> float:
    if hertz < KNEE_HZ:
        return hertz * KNEE_MEL / KNEE_HZ
    return KNEE_MEL + math.log(hertz / KNEE_HZ) / STEP


def _hertz(mel: float) -> float:
    if mel < KNEE_MEL:
        return mel * KNEE_HZ / KNEE_MEL
    return KNEE_HZ * math.exp((mel - KNEE_MEL) * STEP)
