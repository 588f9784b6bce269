"""Converters for tests, whose work takes as long as the test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from realtime.weights import WeightFile

RATE = 16000
LATENCY = 320


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Upside:
    """Turns the sound upside down, 20 ms late; computing moves a test's clock, or waits for it."""

    name = "upside"
    version = "1"
    weights: tuple[WeightFile, ...] = ()

    def __init__(self) -> None:
        self.work: Callable[[int], None] = lambda samples: None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.streams = 0

    def load(self) -> None:
        pass

    def unload(self) -> None:
        pass

    def plan(self, change: VoiceChange) -> ConversionPlan:
        return ConversionPlan(RATE, RATE, step=160, block=320, latency=LATENCY, context=640)

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        import numpy as np

        self.streams += 1
        held = np.zeros(LATENCY, np.float32)
        try:
            for block in blocks:
                cancel.check()
                self.may_go_on.wait()
                self.work(block.size)
                held = np.concatenate([held, block])
                yield -held[: block.size]
                held = held[block.size :]
        finally:
            self.streams -= 1


class Whole(Upside):
    """The same, of whole recordings only."""

    name = "whole"

    def plan(self, change: VoiceChange) -> ConversionPlan:
        return ConversionPlan(RATE, RATE, step=1, block=320, whole=True)

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        for block in blocks:
            yield -block[::-1]


class Broken(Upside):
    """Fails at its third block."""

    name = "broken"

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        for number, block in enumerate(blocks):
            if number == 2:
                raise ValueError("a model's own error")
            yield block


def models(*engines: Upside) -> LoadedModels:
    found = {engine.name: engine for engine in engines}
    return LoadedModels(Settings(), create=lambda name, settings: found[name], names=tuple(found))
