"""A converter without a model, for tests: it halves the level, with a fade at the start."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from realtime import blocks
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.settings import Settings
from realtime.weights import WeightFile

RATE = 24000
LEVEL = 0.5
FADE_SECONDS = 0.05


class Gain:
    """The converter: half as loud, without a click at the start."""

    name = "gain"
    version = "1"
    block = blocks.CORE
    weights: tuple[WeightFile, ...] = ()

    def __init__(self, settings: Settings) -> None:
        pass

    def load(self) -> None:
        pass

    def unload(self) -> None:
        pass

    def plan(self, change: VoiceChange) -> ConversionPlan:
        return ConversionPlan(RATE, RATE, step=1, block=RATE // 50)

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        fade = FADE_SECONDS * RATE
        done = 0
        for block in blocks:
            cancel.check()
            place = np.arange(done, done + block.size, dtype=np.float32)
            gain = 1.0 - (1.0 - LEVEL) * np.minimum(place / fade, 1.0)
            yield (block * gain).astype(np.float32)
            done += block.size
