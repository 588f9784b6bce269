"""Hibari: a small English voice on ONNX Runtime, about 100 times real time on one core."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from realtime import blocks
from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.onnx_graph import GraphEditor
from realtime.engines.onnx_session import open_session
from realtime.engines.tokens import TokenBlock, token_blocks, word_times
from realtime.settings import Settings
from realtime.text.reader import read
from realtime.weights import WeightFile, prepare_once, read_weights

MODEL = WeightFile(
    engine="hibari",
    name="hibari.onnx",
    sha256="5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
    packaged=("hibari/assets/hibari.onnx",),
)
DURATIONS = "/Clip_output_0"  # the tensor of the frames that each token lasts
FRAME_SECONDS = 600 / 24000
MOST_TOKENS = 400  # in one run


class Hibari:
    """The engine; its only voice is `af_heart` in English."""

    name = "hibari"
    version = "0.2.1"
    languages = frozenset({"en"})
    sample_rate = 24000
    first_piece = 1.5
    work = 0.05
    keeps_time = False
    block = blocks.CORE
    weights = (MODEL,)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: Any = None
        self._tokens: dict[str, int] = {}

    def load(self) -> None:
        from hibari import Hibari as Package

        path = self._prepared()
        self._tokens = Package(model=str(path)).vocab
        # One thread: a second one costs more than it brings at this size.
        self._session = open_session(path)

    def unload(self) -> None:
        self._session = None

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        # The noise is the voice's breath. It begins anew from the seed for each block, so that a
        # piece sounds the same whatever was spoken before it.
        for block in token_blocks(read(utterance.segments, "en"), self._tokens, MOST_TOKENS):
            cancel.check()
            yield self._sound(block, utterance.speed, np.random.default_rng(utterance.seed))

    def _sound(self, block: TokenBlock, speed: float, noise: np.random.Generator) -> Chunk:
        from hibari import dsp

        inputs = {
            "ids": np.array([block.padded], np.int64),
            "speed": np.array([speed], np.float32),
        }
        outputs = self._session.run(None, inputs)
        spectrum, durations = outputs[:-1], outputs[-1]
        sound = dsp.synth(*(output[0] for output in spectrum), noise)
        samples = np.clip(sound, -1.0, 1.0).astype(np.float32)
        return Chunk(samples, word_times(block, np.ravel(durations) * FRAME_SECONDS))

    def _prepared(self) -> Path:
        """Give the path of the model with its durations as an output."""
        return prepare_once(MODEL, "durations", self._prepare, self._settings)

    def _prepare(self) -> bytes:
        editor = GraphEditor(read_weights(MODEL, self._settings))
        editor.expose(DURATIONS)
        return editor.serialised()
