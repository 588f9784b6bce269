"""Samples: PCM16 and float32, the WAV header, resampling; it knows no engine and no codec."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]

RATES = (8000, 16000, 22050, 24000, 44100, 48000)
HEADER_BYTES = 44
UNKNOWN_SIZE = 0xFFFFFFFF


def to_pcm16(samples: npt.NDArray[np.float32]) -> Pcm:
    """Rounded and clipped; what is no number is silence."""
    clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    pcm: Pcm = np.clip(np.rint(clean * 32767.0), -32768, 32767).astype(np.int16)
    return pcm


def from_pcm16(pcm: Pcm) -> npt.NDArray[np.float32]:
    samples: npt.NDArray[np.float32] = pcm.astype(np.float32) / np.float32(32768)
    return samples


def wav_header(sample_rate: int, samples: int | None) -> bytes:
    """The 44 bytes before mono PCM16; None: it still grows, and the sizes say so."""
    size = UNKNOWN_SIZE if samples is None else 2 * samples
    riff = UNKNOWN_SIZE if samples is None else HEADER_BYTES - 8 + size
    form = struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", riff)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + (b"data" + struct.pack("<I", size))
    )


class Resampler:
    """PCM16 at one rate as it comes, at another as it goes, however it is cut."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._stream: Any = None
        if source_rate != target_rate:
            import soxr

            self._stream = soxr.ResampleStream(
                source_rate, target_rate, 1, dtype="int16", quality="HQ"
            )

    def feed(self, pcm: Pcm) -> Pcm:
        return pcm if self._stream is None else self._resampled(pcm, last=False)

    def finish(self) -> Pcm:
        nothing = np.zeros(0, np.int16)
        return nothing if self._stream is None else self._resampled(nothing, last=True)

    def _resampled(self, pcm: Pcm, last: bool) -> Pcm:
        found: Pcm = self._stream.resample_chunk(pcm, last=last)
        return found
