"""A loaded voice with what it needs besides: its index, the encoder and the estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.engines.rvc.index_file import IndexFile
from realtime.engines.rvc.options import PITCH_METHOD
from realtime.engines.rvc.voice import RvcVoice, Singles
from realtime.engines.rvc.voice_file import WIDTHS, read_voice
from realtime.engines.rvc.voice_files import VoicePaths
from realtime.engines.torch_file import unusable
from realtime.engines.voice_features.content import ContentEncoder
from realtime.engines.voice_features.pitch import PitchEstimator, share_pitch
from realtime.engines.voice_features.shared import share
from realtime.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

LAYERS = {"v1": 9, "v2": 12}  # of the encoder, behind which content features are taken
PROJECTED = "v1"  # whose features are projected to fewer numbers


class RvcModel:
    """A voice on one device; what several voices use is there once."""

    def __init__(self, paths: VoicePaths, settings: Settings, device: str) -> None:
        self._settings = settings
        self.device = device
        file = read_voice(paths.voice)
        self.voice = RvcVoice(file, device)
        self.index = None if paths.index is None else _open_index(paths, WIDTHS[file.version])
        self._encoder = share(ContentEncoder, settings, device)
        self._encoder.load()
        if file.version == PROJECTED and not self._encoder.projects:
            raise unusable(
                paths.voice,
                "it is a voice of v1, and the file in models/contentvec lacks `final_proj`, which "
                "v1 needs: bring hubert_base.pt",
            )
        self._estimators: dict[str, PitchEstimator] = {}
        if self.voice.has_pitch:
            self.estimator(PITCH_METHOD)

    @property
    def version(self) -> str:
        return self.voice.version

    def content(self, sound: Singles) -> Singles:
        """Return (frames, width) of a sound at 16 kHz, with a frame for each 20 ms."""
        version = self.voice.version
        units: Tensor = self._encoder.units(sound, LAYERS[version], projected=version == PROJECTED)
        found: Singles = units[0].float().cpu().numpy()
        return found

    def estimator(self, method: str) -> PitchEstimator:
        """Return a pitch estimator, which is loaded when it is first asked for."""
        found = self._estimators.get(method)
        if found is None:
            found = share_pitch(method, self._settings, self.device)
            found.load()
            self._estimators[method] = found
        return found


def _open_index(paths: VoicePaths, width: int) -> IndexFile:
    assert paths.index is not None
    index = IndexFile(paths.index)
    if index.numbers != width:
        fault = f"its vectors have {index.numbers} numbers, and those of the voice have {width}"
        raise unusable(paths.index, fault)
    return index
