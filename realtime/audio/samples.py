"""Samples of one channel: PCM16 and float32, silence, resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Pcm = npt.NDArray[np.int16]

RATES = (8000, 16000, 22050, 24000, 44100, 48000)  # Hz; those that a client may ask for
FULL_SCALE = 32768
AUDIBLE = 300 / FULL_SCALE  # -40.8 dB: quieter samples count as silence


def to_pcm16(samples: Samples) -> Pcm:
    """Round and clip to 16 bits; NaN and infinity become silence."""
    clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    pcm: Pcm = np.rint(np.clip(clean, -1.0, 1.0) * FULL_SCALE).clip(None, 32767).astype(np.int16)
    return pcm


def from_pcm16(pcm: Pcm) -> Samples:
    """Return float32 samples in [-1, 1); `to_pcm16` of them gives the same PCM."""
    samples: Samples = pcm.astype(np.float32) / np.float32(FULL_SCALE)
    return samples


def pcm_to_bytes(pcm: Pcm) -> bytes:
    """Return PCM16 as it stands in files and messages: little-endian on every machine."""
    return pcm.astype("<i2", copy=False).tobytes()


def pcm_from_bytes(data: bytes) -> Pcm:
    """Read little-endian PCM16; its memory is that of `data`."""
    return np.frombuffer(data, "<i2")


def silence(seconds: float, sample_rate: int) -> Samples:
    return np.zeros(round(seconds * sample_rate), np.float32)


def first_audible(samples: Samples, threshold: float = AUDIBLE) -> int | None:
    """Return the index of the first sample over `threshold`; None when there is none."""
    loud = np.abs(samples) > threshold
    return int(loud.argmax()) if loud.any() else None


class Resampler:
    """A stream of PCM16 at one rate that leaves at another; where it is cut changes no sample."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._stream: Any = None
        if source_rate != target_rate:
            import soxr

            # In float32: the library's own PCM16 adds dither, which differs with every cut and
            # makes noise of silence.
            self._stream = soxr.ResampleStream(
                source_rate, target_rate, 1, dtype="float32", quality="HQ"
            )

    def feed(self, pcm: Pcm) -> Pcm:
        return pcm if self._stream is None else self._resampled(pcm, last=False)

    def finish(self) -> Pcm:
        empty = np.zeros(0, np.int16)
        return empty if self._stream is None else self._resampled(empty, last=True)

    def _resampled(self, pcm: Pcm, last: bool) -> Pcm:
        return to_pcm16(self._stream.resample_chunk(from_pcm16(pcm), last=last))
