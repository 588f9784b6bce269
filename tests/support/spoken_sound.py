"""Sentences that our own engines speak, at 16 kHz; each is synthesized once for all tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soxr

from realtime.audio.samples import AUDIBLE, Pcm, to_pcm16
from realtime.characters import Characters
from realtime.engines.contract import CancelToken, Samples, Utterance
from realtime.settings import Settings
from realtime.text.language import segments
from tests.conftest import ROOT
from tests.support.fake_recogniser import RATE, loaded_engine


@cache
def speech_of(
    folder: Path, text: str, character: str, engine: str, language: str = "en"
) -> Samples:
    """Synthesize one piece of text as a character says it, without silence at its ends."""
    speaker = loaded_engine(engine, folder)
    characters = Characters(ROOT / "presets", Settings().default_characters)
    parts = tuple(segments(text, language))
    utterance = Utterance(parts, characters.get(character), accent=language, seed=1)
    sound = np.concatenate([chunk.samples for chunk in speaker.speak(utterance, CancelToken())])
    found: Samples = soxr.resample(sound, speaker.sample_rate, RATE).astype(np.float32)
    audible = np.flatnonzero(np.abs(found) > AUDIBLE)
    return found[audible[0] : audible[-1] + 1]


def with_silence_around(samples: Samples, before: float = 0.5, after: float = 1.0) -> Pcm:
    """Return the samples as a microphone sends them: PCM, with silence before and after."""
    start, end = (np.zeros(round(seconds * RATE), np.float32) for seconds in (before, after))
    return to_pcm16(np.concatenate([start, samples, end]))
