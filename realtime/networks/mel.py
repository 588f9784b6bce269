"""The log mel that networks are trained on: log(max(mel, 1e-5)), a frame every hop."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

FLOOR = 1e-5  # of a band, as published
FRAMES_AT_ONCE = 4_096  # the spectra of an hour at once would take gigabytes
TINY = 1e-9  # as published for vocoders: added to the power before its root
# Slaney's mel scale: linear up to 1 kHz, then a logarithm: 27 steps from there to 6.4 kHz.
KNEE_HZ, KNEE_MEL = 1_000.0, 15.0
STEP = math.log(6.4) / 27
# HTK's mel scale: a logarithm throughout.
HTK_MEL, HTK_HZ = 2_595.0, 700.0


@dataclass(frozen=True)
class MelFormat:
    """Parameters of a mel: rates in Hz, lengths in samples."""

    sample_rate: int
    fft: int
    hop: int
    window: int
    bands: int
    lowest: float = 0.0
    highest: float | None = None
    tiny: float = TINY
    htk: bool = False  # HTK's scale for Slaney's


def log_mel(sound: Tensor, mel_format: MelFormat) -> Tensor:
    """Make (batch, bands, samples // hop) of (batch, samples); the edges are mirrored."""
    pad = (mel_format.fft - mel_format.hop) // 2
    padded = functional.pad(sound.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    return framed_log_mel(padded, mel_format)


def framed_log_mel(sound: Tensor, mel_format: MelFormat) -> Tensor:
    """Make (batch, bands, frames) of the frames that lie wholly within (batch, samples)."""
    span = (FRAMES_AT_ONCE - 1) * mel_format.hop + mel_format.fft
    starts = range(0, sound.shape[1] - mel_format.fft + 1, FRAMES_AT_ONCE * mel_format.hop)
    pieces = [_piece(sound[:, start : start + span], mel_format) for start in starts]
    return torch.cat(pieces, 2)


def _piece(sound: Tensor, mel_format: MelFormat) -> Tensor:
    """Make the frames that lie wholly within a sound."""
    window = torch.hann_window(mel_format.window, device=sound.device)
    spectrum = magnitudes(sound, mel_format.fft, mel_format.hop, window, mel_format.tiny)
    return (_band_filters(mel_format).to(sound.device) @ spectrum).clamp_min(FLOOR).log()


def magnitudes(sound: Tensor, fft: int, hop: int, window: Tensor, tiny: float) -> Tensor:
    """Make (batch, fft // 2 + 1, frames): the magnitudes of the frames within a sound."""
    spectrum = torch.stft(
        sound, fft, hop, window.numel(), window, center=False, return_complex=True
    )
    return (spectrum.real.square() + spectrum.imag.square() + tiny).sqrt()


@functools.cache
def _band_filters(mel_format: MelFormat) -> Tensor:
    """Make (bands, bins): triangles of equal area on the mel scale."""
    mel, hertz = (_htk_mel, _htk_hertz) if mel_format.htk else (_mel, _hertz)
    nyquist = mel_format.sample_rate / 2
    lowest, highest = mel(mel_format.lowest), mel(mel_format.highest or nyquist)
    mels = torch.linspace(lowest, highest, mel_format.bands + 2, dtype=torch.float64)
    edges = torch.tensor([hertz(float(each)) for each in mels], dtype=torch.float64)
    bins = torch.linspace(0, nyquist, mel_format.fft // 2 + 1, dtype=torch.float64)
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


def _htk_mel(hertz: float) -> float:
    return HTK_MEL * math.log10(1 + hertz / HTK_HZ)


def _htk_hertz(mel: float) -> float:
    return HTK_HZ * (10 ** (mel / HTK_MEL) - 1)
