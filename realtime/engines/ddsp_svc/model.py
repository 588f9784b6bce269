"""A loaded voice with what it needs besides: the encoder, the estimators and the vocoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from realtime.engines.ddsp_svc.features import LEAST_SOUND
from realtime.engines.ddsp_svc.vocoder_file import PitchedVocoder, SharedVocoder
from realtime.engines.ddsp_svc.voice_files import load_voice, open_voice_folder
from realtime.engines.torch_file import unusable
from realtime.engines.voice_features.content import ContentEncoder
from realtime.engines.voice_features.pitch import PitchEstimator, share_pitch
from realtime.engines.voice_features.shared import share
from realtime.settings import Settings

if TYPE_CHECKING:
    from realtime.engines.ddsp_svc.networks.voice import DdspVoice


class DdspModel:
    """A voice on one device; what several voices use is there once."""

    def __init__(self, folder: Path, settings: Settings, device: str) -> None:
        self._settings = settings
        self.device = device
        file = open_voice_folder(folder)
        self.version, self.config = file.version, file.config
        self.voice: DdspVoice = load_voice(file).to(device)
        self.encoder = share(ContentEncoder, settings, device)
        self._shared_vocoder = share(SharedVocoder, settings, device)
        self._estimators: dict[str, PitchEstimator] = {}
        self._check_encoder(file.path)
        self._check_vocoder(file.path)

    @property
    def vocoder(self) -> PitchedVocoder:
        return self._shared_vocoder.vocoder

    def estimator(self, method: str) -> PitchEstimator:
        """Return a pitch estimator, which is loaded when it is first asked for."""
        found = self._estimators.get(method)
        if found is None:
            found = share_pitch(method, self._settings, self.device)
            found.load()
            self._estimators[method] = found
        return found

    def _check_encoder(self, path: Path) -> None:
        given = self.encoder.units(np.zeros(LEAST_SOUND, np.float32)).shape[2]
        if (wanted := self.voice.shape.units) != given:
            raise unusable(path, f"it takes {wanted} numbers of content; ContentVec gives {given}")

    def _check_vocoder(self, path: Path) -> None:
        """Refuse a voice whose mel is another than the vocoder's."""
        shape, mel = self.voice.shape, self.vocoder.mel_format
        wanted = (shape.rate, shape.hop, shape.mels)
        given = (mel.sample_rate, mel.hop, mel.bands)
        if wanted != given:
            raise unusable(
                path,
                "it takes a vocoder of {} Hz with {} samples and {} bands a frame; "
                "that in models/nsf_hifigan has {}, {} and {}".format(*wanted, *given),
            )
