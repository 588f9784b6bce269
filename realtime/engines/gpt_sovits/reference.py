"""The reference clip of a voice: decoded, checked, and as each network wants to hear it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from realtime.audio.decoding import AudioSource
from realtime.audio.samples import AUDIBLE, Samples
from realtime.errors import BadRequest, TooLarge

if TYPE_CHECKING:
    from torch import Tensor

LEAST_SECONDS, MOST_SECONDS = 3.0, 10.0  # of the clip whose content is continued
MOST_STYLE_SECONDS = 60.0  # of another clip, which lends its tone of voice alone
CONTENT_RATE = 16_000  # Hz, of the sound that HuBERT and the speaker network hear
SPECTRUM_RATE = 32_000  # Hz
# Silence after the clip, in samples at 16 kHz: 0.6 s in every version. The codes of it let the
# new sentence begin cleanly; the makers count them at 32 kHz and speak of 0.3 s.
TAIL = 9_600


@dataclass(frozen=True)
class Clip:
    """A clip of one channel, at the rate of its file; no sample is over full scale."""

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return self.samples.size / self.rate


def read_reference(data: bytes) -> Clip:
    """Decode the clip whose content is continued; refuse one of another length than 3 to 10 s."""
    clip = _read(data, MOST_SECONDS)
    if clip.seconds < LEAST_SECONDS:
        raise BadRequest(
            f"The reference lasts {clip.seconds:.1f} s, which is too short to know a voice by.",
            code="audio_too_short",
            hint=f"Bring {LEAST_SECONDS:g} to {MOST_SECONDS:g} seconds of one voice.",
            field="audio",
        )
    return clip


def read_style(data: bytes) -> Clip:
    """Decode a clip that lends its tone of voice; it may have any length up to a minute."""
    return _read(data, MOST_STYLE_SECONDS)


def content_sound(clip: Clip) -> Samples:
    """Return the sound for HuBERT: at 16 kHz, with silence after it."""
    import soxr

    samples = clip.samples
    if clip.rate != CONTENT_RATE:
        samples = soxr.resample(samples, clip.rate, CONTENT_RATE, quality="HQ")
    # As many as begin within the clip; the library may give one less.
    count = -(-clip.samples.size * CONTENT_RATE // clip.rate)
    sound = np.zeros(count + TAIL, np.float32)
    sound[: min(count, samples.size)] = samples[:count]
    return sound


def sound_at(clip: Clip, rate: int) -> Tensor:
    """Return (1, samples) at another rate, by the filter that the networks were trained with."""
    import torch

    from realtime.engines.gpt_sovits.networks.resample import resample

    return resample(torch.from_numpy(clip.samples)[None], clip.rate, rate)


def spectrum_sound(clip: Clip) -> Tensor:
    """Return (1, samples) at 32 kHz, scaled down where the filter went over full scale."""
    sound = sound_at(clip, SPECTRUM_RATE)
    return sound / sound.abs().max().clamp_min(1.0)


def speaker_sound(clip: Clip) -> Tensor:
    """Return (1, samples) at 16 kHz for the speaker network, made of the sound at 32 kHz."""
    from realtime.engines.gpt_sovits.networks.resample import resample

    return resample(spectrum_sound(clip), SPECTRUM_RATE, CONTENT_RATE)


def _read(data: bytes, most_seconds: float) -> Clip:
    try:
        source = AudioSource(io.BytesIO(data), most_seconds)
        samples = np.concatenate([np.zeros(0, np.float32), *source.floats()])
    except TooLarge as error:
        raise TooLarge(
            f"The reference is longer than {most_seconds:g} seconds.",
            code="audio_too_long",
            hint="Cut it to some whole sentences of one voice.",
            field="audio",
            values={"seconds": most_seconds},
        ) from error
    if not np.isfinite(samples).all():
        raise BadRequest(
            "The reference is damaged: some of its samples are no numbers.",
            code="bad_audio",
            field="audio",
        )
    peak = float(np.abs(samples).max(initial=0.0))
    if peak <= AUDIBLE:
        raise BadRequest(
            "The reference is silent.",
            code="no_speech",
            hint="Record somebody who speaks aloud, without music, near the microphone.",
            field="audio",
        )
    samples = samples / np.float32(max(1.0, peak))
    return Clip(samples.astype(np.float32, copy=False), source.rate)
