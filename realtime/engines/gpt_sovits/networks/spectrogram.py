"""A reference clip as the networks see it: its spectrogram and, in v3 and v4, its mel."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from realtime.networks.mel import MelFormat, log_mel, magnitudes

RATE = 32_000  # Hz, of the sound whose spectrogram is made
FFT, HOP = 2_048, 640  # samples
TINY = 1e-8  # added to the power before its root; the vocoders' own mels have another
# The mels whose continuation v3 and v4 compute, in what their vocoders take.
PROMPT_MELS = {
    "v3": MelFormat(24_000, 1_024, 256, 1_024, 100, tiny=TINY),
    "v4": MelFormat(32_000, 1_280, 320, 1_280, 100, tiny=TINY),
}
LOWEST, SPAN = -12.0, 14.0  # of log mels, which become numbers from -1 to 1


def spectrogram(sound: Tensor) -> Tensor:
    """Turn (batch, samples) at 32 kHz into magnitudes (batch, 1025, samples // 640)."""
    pad = (FFT - HOP) // 2
    sound = functional.pad(sound.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    window = torch.hann_window(FFT, device=sound.device)
    return magnitudes(sound, FFT, HOP, window, TINY)


def prompt_mel(sound: Tensor, mel_format: MelFormat) -> Tensor:
    """Turn (batch, samples) into a mel (batch, bands, frames) as the networks take it."""
    return normalised(log_mel(sound, mel_format))


def normalised(mel: Tensor) -> Tensor:
    return (mel - LOWEST) * (2.0 / SPAN) - 1.0


def denormalised(mel: Tensor) -> Tensor:
    """Turn a mel of the networks into one that vocoders take."""
    return (mel + 1.0) * (SPAN / 2.0) + LOWEST
