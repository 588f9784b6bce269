"""Sound of two sources, each filtered in its spectrum by what the network gives for each frame."""

from __future__ import annotations

import math

import torch
from torch import Tensor

QUIETER_NOISE = 128.0  # as published: the noise's filter is divided by it


def filter_sources(
    comb: Tensor, noise: Tensor, controls: Tensor, window: Tensor, hop: int
) -> Tensor:
    """Return (batch, samples) of two sources (batch, samples) and (batch, frames, 4 · bins)."""
    harmonic, harmonic_phase, noisy, noisy_phase = _with_last_frame_twice(controls).chunk(4, 1)
    spectrum = _spectrum(comb, window, hop) * _filter(harmonic, harmonic_phase)
    spectrum = spectrum + _spectrum(noise, window, hop) * (
        _filter(noisy, noisy_phase) / QUIETER_NOISE
    )
    return torch.istft(spectrum, window.numel(), hop, window.numel(), window, length=comb.shape[1])


def _filter(magnitude: Tensor, phase: Tensor) -> Tensor:
    return torch.exp(torch.complex(magnitude, math.pi * phase))


def _with_last_frame_twice(controls: Tensor) -> Tensor:
    """Return (batch, 4 · bins, frames + 1): a centred spectrum has a frame more than the sound."""
    return torch.cat([controls, controls[:, -1:]], dim=1).transpose(1, 2)


def _spectrum(sound: Tensor, window: Tensor, hop: int) -> Tensor:
    size = window.numel()
    # A sound shorter than the padding cannot be mirrored.
    mode = "reflect" if sound.shape[1] > size // 2 else "constant"
    return torch.stft(
        sound, size, hop, size, window, center=True, pad_mode=mode, return_complex=True
    )
