"""Samples: PCM16 and float32, silence, frames, resampling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Pcm = npt.NDArray[np.int16]

RATES = (8000, 16000, 22050, 24000, 44100, 48000)  # what may be asked for
FULL_SCALE = 32768
AUDIBLE = 300 / FULL_SCALE  # the level at which a sample counts as the first audible one


def to_pcm16(samples: Samples) -> Pcm:
    """Rounded and clipped; what is no number is silence."""
    clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    pcm: Pcm = np.rint(np.clip(clean, -1.0, 1.0) * FULL_SCALE).clip(None, 32767).astype(np.int16)
    return pcm


def from_pcm16(pcm: Pcm) -> Samples:
    """The exact way back: `to_pcm16` of it gives the same PCM."""
    samples: Samples = pcm.astype(np.float32) / np.float32(FULL_SCALE)
    return samples


def silence(seconds: float, sample_rate: int) -> Samples:
    return np.zeros(round(seconds * sample_rate), np.float32)


def first_audible(samples: Samples, threshold: float = AUDIBLE) -> int | None:
    """Where sound begins; None when there is none."""
    loud = np.abs(samples) > threshold
    return int(loud.argmax()) if loud.any() else None


def reframe(parts: Iterable[Pcm], length: int) -> Iterator[Pcm]:
    """The same samples in frames of one length, each as soon as it is full; the last may be short.

    A frame is a copy, so that nobody who keeps it keeps the part that it came from.
    """
    held = np.zeros(0, np.int16)
    for part in parts:
        held = np.concatenate([held, part])
        whole = held.size - held.size % length
        for start in range(0, whole, length):
            yield held[start : start + length].copy()
        held = held[whole:]
    if held.size:
        yield held.copy()


class Resampler:
    """PCM16 at one rate as it comes, at another as it goes, sample for sample however it is cut.

    It computes in float32: the library's own PCM16 adds dither, which differs with every cut and
    makes noise of silence.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._stream: Any = None
        if source_rate != target_rate:
            import soxr

            self._stream = soxr.ResampleStream(
                source_rate, target_rate, 1, dtype="float32", quality="HQ"
            )

    def feed(self, pcm: Pcm) -> Pcm:
        return pcm if self._stream is None else self._resampled(pcm, last=False)

    def finish(self) -> Pcm:
        nothing = np.zeros(0, np.int16)
        return nothing if self._stream is None else self._resampled(nothing, last=True)

    def _resampled(self, pcm: Pcm, last: bool) -> Pcm:
        return to_pcm16(self._stream.resample_chunk(from_pcm16(pcm), last=last))
