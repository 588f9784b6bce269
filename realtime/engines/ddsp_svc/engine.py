"""DDSP-SVC: voices that people trained, for recordings and microphones.

A model is a folder with a voice. What voices share lies in folders of its own: ContentVec, a pitch
estimator, and the vocoder.
"""

from __future__ import annotations

from pathlib import Path

from realtime.engines.ddsp_svc.model import DdspModel
from realtime.engines.ddsp_svc.options import FORMANTS, OPTIONS, PITCH_METHOD, manner_of
from realtime.engines.ddsp_svc.stream import DdspStream, window_shape
from realtime.engines.ddsp_svc.vocoder_file import VOCODER_FILES
from realtime.engines.ddsp_svc.voice_files import (
    CONFIG,
    find_voice_file,
    find_voices,
    read_config,
    says_pitch_aug,
)
from realtime.engines.sliding_window import WindowShape
from realtime.engines.voice_change import VoiceChange
from realtime.engines.voice_engine import VoiceEngine
from realtime.engines.voice_features.pitch import pitch_files
from realtime.engines.voice_features.weights import content_file
from realtime.weights import WeightFile


class DdspSvc(VoiceEngine[DdspModel]):
    """The engine of one voice in `models/ddsp_svc`, or of none."""

    name = "ddsp_svc"
    options = OPTIONS
    revision = "1"
    files = "config.yaml and model_STEP.pt in models/ddsp_svc/NAME/"
    file_block_steps = 200  # 4 s: then most of what is computed is used

    def find_models(self) -> list[str]:
        return find_voices(self._folder)

    def has_model(self, model: str) -> bool:
        is_name = model.isprintable() and not model.startswith(".") and Path(model).name == model
        return is_name and find_voice_file(self._folder / model) is not None

    def formant_range(self) -> tuple[float, float] | None:
        """Return the range, as the voice's tensors say, or its configuration before it is loaded.

        This looks at a file, which is read again only when it was changed.
        """
        if self._loaded is not None:
            moves = self._loaded.voice.shape.pitch_aug
        else:
            moves = bool(self.model) and says_pitch_aug(self._folder / self.model / CONFIG)
        return FORMANTS if moves else None

    def _own_files(self) -> list[Path]:
        if not self.model:
            return []
        folder = self._folder / self.model
        return [folder / CONFIG, find_voice_file(folder) or folder / "model_STEP.pt"]

    def _shared_files(self) -> tuple[WeightFile, ...]:
        return (content_file(self._settings), *pitch_files(PITCH_METHOD), *VOCODER_FILES)

    def _check_voice(self) -> None:
        read_config(self._folder / self.model / CONFIG)

    def _open(self) -> DdspModel:
        return DdspModel(self._folder / self.model, self._settings, self.runs_on())

    def _window_shape(self, voice: DdspModel, change: VoiceChange) -> WindowShape:
        return window_shape(voice, manner_of(change, voice))

    def _begin(self, voice: DdspModel, change: VoiceChange) -> DdspStream:
        return DdspStream(voice, change, manner_of(change, voice))
