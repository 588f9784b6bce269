"""Silero: voice activity on ONNX Runtime, in about a millisecond for each second of sound."""

from __future__ import annotations

from typing import Any

import numpy as np

from realtime import blocks
from realtime.engines.contract import Samples
from realtime.engines.onnx_session import open_session
from realtime.settings import Settings
from realtime.weights import WeightFile, read_weights

MODEL = WeightFile(
    engine="silero",
    name="silero_vad_v6.onnx",
    sha256="4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
    packaged=("faster_whisper/assets/silero_vad_v6.onnx",),
    block=blocks.REVOICE,
)
BEFORE = 64  # samples of the past that it takes with each frame
STATE_SHAPE = (1, 1, 128)  # of each of the network's two states


class Silero:
    """The engine; a stream's state is the network's two states and the end of the sound before."""

    name = "silero"
    version = "6"
    sample_rate = 16000
    frame = 512
    block = blocks.CORE
    weights = (MODEL,)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: Any = None

    def load(self) -> None:
        # One thread: a frame is too small to share.
        self._session = open_session(read_weights(MODEL, self._settings))

    def unload(self) -> None:
        self._session = None

    def detect(self, samples: Samples, state: Any) -> tuple[Samples, Any]:
        hidden, cell, before = state or _first_state()
        sound = np.concatenate([before, samples])
        frames = np.lib.stride_tricks.sliding_window_view(sound, BEFORE + self.frame)
        inputs = {"input": np.ascontiguousarray(frames[:: self.frame]), "h": hidden, "c": cell}
        found, hidden, cell = self._session.run(None, inputs)
        return np.ravel(found), (hidden, cell, sound[-BEFORE:].copy())


def _first_state() -> tuple[Samples, Samples, Samples]:
    return (
        np.zeros(STATE_SHAPE, np.float32),
        np.zeros(STATE_SHAPE, np.float32),
        np.zeros(BEFORE, np.float32),
    )
