"""Engines that do what a test says: wait between two chunks, or break after the first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.options import (
    ChoiceOption,
    FlagOption,
    NumberOption,
    Options,
    WholeOption,
)
from realtime.engines.tone import Tone

if TYPE_CHECKING:
    from tests.support.fake_cuda import FakeCuda

CHUNK_SAMPLES = 2400


def chunk(level: float) -> Chunk:
    return Chunk(np.full(CHUNK_SAMPLES, level, np.float32))


class Gated(Tone):
    """An engine that speaks one chunk, or none, then waits until the test opens the gate."""

    name = "gated"
    chunks_before = 1
    fail = False

    def load(self) -> None:
        if not hasattr(self, "gate"):  # what a test asked for before the first load stays
            self.reset()

    def reset(self, chunks_before: int = 1) -> None:
        self.chunks_before = chunks_before
        self.fail = False
        self.gate = threading.Event()
        self.waiting = threading.Event()
        self.ended = threading.Event()

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        cancel.interrupt_with(self.gate.set)
        try:
            for _ in range(self.chunks_before):
                yield chunk(0.25)
            self.waiting.set()
            self.gate.wait()
            cancel.check()
            if self.fail:
                raise ZeroDivisionError("a model library's own error")
            yield chunk(0.5)
        finally:
            self.ended.set()


class Broken(Tone):
    """An engine that speaks as many chunks as the test says, then breaks."""

    name = "broken"
    chunks_before = 1

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        for _ in range(self.chunks_before):
            yield chunk(0.25)
        raise ZeroDivisionError("a model library's own error")


class Silent(Tone):
    """An engine that makes no sound."""

    name = "silent"

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        return iter(())


class Tunable(Tone):
    """An engine with an option of each kind; it remembers with which ones it spoke last."""

    name = "tunable"
    options = (
        WholeOption("top_k", "How many codes are considered.", 1, 100, 15),
        NumberOption("temperature", "How much chance there is.", 0.01, 2.0, 1.0),
        FlagOption("super_sampling", "Whether a second network widens the sound.", False),
        ChoiceOption("cut", "Where the text is cut.", ("cut0", "cut5"), "cut5"),
    )
    spoke_with: Options = ()

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        self.spoke_with = utterance.options
        return super().speak(utterance, cancel)


class OnGpu(Tone):
    """An engine that takes memory of a GPU when it is loaded."""

    name = "on_gpu"
    cuda: FakeCuda

    def load(self) -> None:
        self.cuda.allocated += 3 << 30
        self.cuda.reserved += 4 << 30

    def unload(self) -> None:
        self.cuda.allocated = self.cuda.reserved = 0

    def runs_on(self) -> str:
        return "cuda:0"


SCRIPTED = {kind.name: kind for kind in (Gated, Broken, Silent)}
