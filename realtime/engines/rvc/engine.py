"""RVC: voices that people trained, for recordings and microphones.

A model is a voice file, with the index beside it if there is one. What voices share lies in folders
of its own: ContentVec, and a pitch estimator.
"""

from __future__ import annotations

from pathlib import Path

from realtime.engines.placeable import CPU, CUDA, kind_of
from realtime.engines.rvc.model import RvcModel
from realtime.engines.rvc.options import OPTIONS, PITCH_METHOD, manner_of
from realtime.engines.rvc.stream import STEP, RvcStream, window_shape
from realtime.engines.rvc.voice_files import VoicePaths, find_voice, find_voices
from realtime.engines.sliding_window import WindowShape
from realtime.engines.voice_change import RANGES, VoiceChange
from realtime.engines.voice_engine import VoiceEngine
from realtime.engines.voice_features.pitch import pitch_files
from realtime.engines.voice_features.weights import content_file
from realtime.settings import Settings
from realtime.weights import WeightFile, find_parts, weights_missing

# A GPU hears as much of the past as the published program; on processors that costs too much.
CONTEXT_STEPS = {CPU: 25, CUDA: 100}  # of 20 ms


class Rvc(VoiceEngine[RvcModel]):
    """The engine of one voice in `models/rvc`, or of none."""

    name = "rvc"
    options = OPTIONS
    revision = "1"
    files = "NAME.pth in models/rvc/, and its added_….index beside it if there is one"
    file_block_steps = 400  # 8 s: then nearly all of what is computed is used

    def __init__(self, settings: Settings, model: str = "") -> None:
        super().__init__(settings, model)
        self._found: VoicePaths | None = None

    def find_models(self) -> list[str]:
        return find_voices(self._folder)

    def has_model(self, model: str) -> bool:
        return find_voice(self._folder, model) is not None

    def formant_range(self) -> tuple[float, float] | None:
        return RANGES["formant"]

    def unload(self) -> None:
        super().unload()
        self._found = None

    def _own_files(self) -> list[Path]:
        paths = self._paths()
        if paths is None:
            return []
        return [paths.voice] if paths.index is None else [paths.voice, paths.index]

    def _shared_files(self) -> tuple[WeightFile, ...]:
        return (content_file(self._settings), *pitch_files(PITCH_METHOD))

    def _check_voice(self) -> None:
        for file in self.weights:
            if not find_parts(file, self._settings):
                raise weights_missing(file, self._settings)

    def _open(self) -> RvcModel:
        paths = self._paths()
        assert paths is not None, "check_files refuses it"
        return RvcModel(paths, self._settings, self.runs_on())

    def _window_shape(self, voice: RvcModel, change: VoiceChange) -> WindowShape:
        manner_of(change, voice.voice.speakers)
        return window_shape(voice.voice.rate, STEP * CONTEXT_STEPS[kind_of(voice.device)])

    def _begin(self, voice: RvcModel, change: VoiceChange) -> RvcStream:
        return RvcStream(voice, change, manner_of(change, voice.voice.speakers))

    def _warm_up(self) -> None:
        super()._warm_up()
        self._voice().voice.release_packed()

    def _paths(self) -> VoicePaths | None:
        """Find the model's files: again only where they are gone, and never while it is loaded."""
        if self._loaded is None and (self._found is None or not self._found.are_there):
            self._found = find_voice(self._folder, self.model) if self.model else None
        return self._found
