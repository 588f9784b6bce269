"""Where somebody speaks: Silero's voice activity on ONNX Runtime, a millisecond for each second."""

from __future__ import annotations

from typing import Any

import numpy as np

from realtime.engines.contract import Samples
from realtime.settings import Settings
from realtime.weights import WeightFile, read_weights

MODEL = WeightFile(
    engine="silero",
    name="silero_vad_v6.onnx",
    sha256="4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
    packaged=("faster_whisper/assets/silero_vad_v6.onnx",),
    extra="revoice",
)
BEFORE = 64  # samples of the past that it hears with each frame
REMEMBERED = (1, 1, 128)


class Silero:
    """A stream's state is what the network remembers and the end of what it heard."""

    name = "silero"
    version = "6"
    sample_rate = 16000
    frame = 512
    weights = (MODEL,)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: Any = None

    def load(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # a frame is too small to share
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            read_weights(MODEL, self._settings), options, providers=["CPUExecutionProvider"]
        )

    def unload(self) -> None:
        self._session = None

    def detect(self, samples: Samples, state: Any) -> tuple[Samples, Any]:
        hidden, cell, before = state or _fresh()
        heard = np.concatenate([before, samples])
        frames = np.lib.stride_tricks.sliding_window_view(heard, BEFORE + self.frame)
        given = {"input": np.ascontiguousarray(frames[:: self.frame]), "h": hidden, "c": cell}
        found, hidden, cell = self._session.run(None, given)
        return np.ravel(found), (hidden, cell, heard[-BEFORE:].copy())


def _fresh() -> tuple[Samples, Samples, Samples]:
    return (
        np.zeros(REMEMBERED, np.float32),
        np.zeros(REMEMBERED, np.float32),
        np.zeros(BEFORE, np.float32),
    )
