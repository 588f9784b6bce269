"""Half an hour through a converter: a few words, and silence between, which costs no run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from realtime.audio.samples import Samples, first_audible
from realtime.engines.contract import CancelToken, Converter
from realtime.engines.voice_change import VoiceChange
from tests.support.voice_like_sound import voice

WORDS, MINUTES_BETWEEN = 6, 5


def onsets_of_words(engine: Converter, change: VoiceChange) -> tuple[list[float], float]:
    """Return the seconds from the start of each word to its sound, and what the output lacks."""
    plan = engine.plan(change)
    between = MINUTES_BETWEEN * 60 * plan.rate // plan.block * plan.block  # whole blocks
    word = voice(0.5, 150.0, plan.rate)

    def blocks() -> Iterator[Samples]:
        for at in range(0, WORDS * between, plan.block):
            part = word[at % between : at % between + plan.block]
            yield np.concatenate([part, np.zeros(plan.block - part.size, np.float32)])

    onsets: list[float] = []
    given = 0
    for sound in engine.convert(blocks(), change, CancelToken()):
        loud = first_audible(sound)
        begun = len(onsets) * between / plan.rate
        if loud is not None and (given + loud) / plan.output_rate > begun:
            onsets.append((given + loud) / plan.output_rate - begun)
        given += sound.size
    return onsets, WORDS * between / plan.rate - given / plan.output_rate
