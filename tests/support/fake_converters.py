"""Converters for tests, whose work takes as long as the test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np

from realtime import blocks
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.gain import Gain
from realtime.engines.options import NumberOption
from realtime.engines.voice_change import VoiceChange
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from realtime.weights import WeightFile

RATE = 16000
LATENCY = 320


class ManualClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class InvertingConverter:
    """A converter that turns the sound upside down, 20 ms late.

    For each block it calls `work`, which may move a test's clock, and waits for `may_go_on`.
    """

    name = "inverting"
    version = "1"
    block = blocks.CORE
    weights: tuple[WeightFile, ...] = ()

    def __init__(self) -> None:
        self.work: Callable[[int], None] = lambda samples: None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.streams = 0
        self.block_seconds: float | None = None  # as an engine that times a block has it

    def load(self) -> None:
        pass

    def unload(self) -> None:
        pass

    def plan(self, change: VoiceChange) -> ConversionPlan:
        return ConversionPlan(RATE, RATE, step=160, block=320, latency=LATENCY, context=640)

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
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


class Factor(Gain):
    """A converter with an option: the factor by which it is louder."""

    name = "factor"
    options = (NumberOption("factor", "How much louder it becomes.", 0.0, 4.0, 1.0),)

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        factor = float(dict(change.options).get("factor", 1.0))
        for block in blocks:
            yield (block * factor).astype(np.float32)


class WholeRecordingConverter(InvertingConverter):
    """A converter that takes only whole recordings; it also turns them back to front."""

    name = "whole"

    def plan(self, change: VoiceChange) -> ConversionPlan:
        return ConversionPlan(RATE, RATE, step=1, block=320, whole=True)

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        for block in blocks:
            yield -block[::-1]


class FailingConverter(InvertingConverter):
    """A converter that fails at its third block."""

    name = "failing"

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        for number, block in enumerate(blocks):
            if number == 2:
                raise ValueError("a model's own error")
            yield block


def models_of(*engines: InvertingConverter) -> LoadedModels:
    found = {engine.name: engine for engine in engines}
    return LoadedModels(Settings(), create=lambda name, settings: found[name], names=tuple(found))
