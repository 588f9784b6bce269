"""Clips that a voice may be made of: one channel, long enough and not too long, with a voice in it.

It knows no character and no network.
"""

from __future__ import annotations

import numpy as np

from realtime.audio.decoding import AudioSource
from realtime.audio.samples import Resampler, Samples, from_pcm16
from realtime.engines.world import voiced_seconds
from realtime.errors import BadRequest

LEAST_SECONDS, MOST_SECONDS = 3.0, 15.0
LEAST_VOICED_SECONDS = 0.5
RATE = 24_000


def clip_of(source: AudioSource) -> Samples:
    """The clip at 24 kHz; what no voice can be made of is refused."""
    resampler = Resampler(source.rate, RATE)
    parts = [resampler.feed(part) for part in source.parts()]
    samples = from_pcm16(np.concatenate([*parts, resampler.finish()]))
    samples = samples[: round(MOST_SECONDS * RATE)]  # filters may add a sample or two
    seconds = samples.size / RATE
    if seconds < LEAST_SECONDS:
        raise BadRequest(
            f"The clip lasts {seconds:.1f} s, which is too short to know a voice by.",
            code="audio_too_short",
            hint=f"{LEAST_SECONDS:g} to {MOST_SECONDS:g} seconds of one voice are needed.",
            field="audio",
        )
    if voiced_seconds(samples, RATE) < LEAST_VOICED_SECONDS:
        raise BadRequest(
            "The clip holds no speech: hardly any voice is heard in it.",
            code="no_speech",
            hint="Record somebody who speaks aloud, without music, near the microphone.",
            field="audio",
        )
    return samples
