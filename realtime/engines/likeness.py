"""How alike two sounds are, in numbers: the published ones, and two that ears agree with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from realtime.audio import Samples

FRAME = 1_024
STEP = 256
SILENT = 1e-10  # power below which nothing is told apart


def likeness(found: Samples, reference: Samples) -> dict[str, float]:
    """Of sounds of one length, without their means; `similarity` is 1 - mae, as published."""
    if found.shape != reference.shape:
        raise ValueError(f"the lengths differ: {found.size} and {reference.size}")
    x = found.astype(np.float64) - found.mean(dtype=np.float64)
    y = reference.astype(np.float64) - reference.mean(dtype=np.float64)
    error = x - y
    mae = float(np.abs(error).mean())
    return {
        "mse": float(np.square(error).mean()),
        "mae": mae,
        "similarity": 1.0 - mae,
        "max_error": float(np.abs(error).max()),
        "snr_db": _decibels(float(np.square(y).sum()), float(np.square(error).sum())),
        "log_spectral_distance_db": _distance(x, y),
    }


def _decibels(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def _distance(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """The mean over frames of how far two spectra are apart."""
    apart = _levels(x) - _levels(y)
    return float(np.sqrt(np.square(apart).mean(1)).mean())


def _levels(sound: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(frames, bins) in decibels."""
    padded = np.pad(sound, (0, max(0, FRAME - sound.size)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::STEP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1)))
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(power, SILENT))
    return levels
