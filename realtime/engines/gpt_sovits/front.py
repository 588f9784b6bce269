"""The networks that hear references and read Chinese, shared by all models of a device.

Each is loaded when it is first needed, in fp32. `voice_features.shared` holds them as long as a
model uses them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from realtime.engines.gpt_sovits import weights
from realtime.engines.gpt_sovits.checkpoints import read_tensors
from realtime.engines.gpt_sovits.reference import Clip, content_sound, speaker_sound, spectrum_sound
from realtime.engines.gpt_sovits.vocabulary import Vocabulary, load_vocabulary
from realtime.engines.torch_file import named_faults
from realtime.settings import Settings
from realtime.weights import WeightFile, verified_path

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.gpt_sovits.networks.bert import Bert
    from realtime.engines.gpt_sovits.networks.eres2netv2 import Eres2NetV2
    from realtime.networks.hubert import Hubert

Made = TypeVar("Made")


class FrontNetworks:
    """HuBERT, BERT and the speaker network on one device."""

    def __init__(self, settings: Settings, device: str) -> None:
        self._settings = settings
        self._device = device
        self._loading = threading.Lock()
        self._made: dict[str, Any] = {}

    def content(self, clip: Clip) -> Tensor:
        """Return (1, width, frames) of what is said in a clip."""
        import torch

        sound = torch.from_numpy(content_sound(clip))[None].to(self._device)
        with torch.inference_mode():
            features: Tensor = self._hubert()(sound).transpose(1, 2).clone()
        return features

    def speaker(self, clip: Clip) -> Tensor:
        """Return (1, size) of who speaks in a clip."""
        import torch

        from realtime.engines.gpt_sovits.networks.eres2netv2 import kaldi_bands

        with torch.inference_mode():
            bands = kaldi_bands(speaker_sound(clip)).to(self._device)
            vector: Tensor = self._speaker_network()(bands).clone()
        return vector

    def spectrogram(self, clip: Clip) -> Tensor:
        """Return (1, bins, frames) of a clip, of which a style is made."""
        from realtime.engines.gpt_sovits.networks.spectrogram import spectrogram

        return spectrogram(spectrum_sound(clip)).to(self._device)

    def text_features(self, text: str, phones_each: tuple[int, ...]) -> Tensor:
        """Return (phones, 1024) of a normalised Chinese text, for each phone of its characters."""
        import torch

        from realtime.engines.gpt_sovits.networks.bert import phone_features

        ids = torch.tensor([self._vocabulary().encode(text)], device=self._device)
        with torch.inference_mode():
            hidden = self._bert()(ids)[0]
            return phone_features(hidden, torch.tensor(phones_each)).T.clone()

    def _hubert(self) -> Hubert:
        from realtime.networks.hubert import Hubert

        return self._network(weights.HUBERT, Hubert.loaded)

    def _bert(self) -> Bert:
        from realtime.engines.gpt_sovits.networks.bert import Bert

        return self._network(weights.BERT, Bert.loaded)

    def _speaker_network(self) -> Eres2NetV2:
        from realtime.engines.gpt_sovits.networks.eres2netv2 import Eres2NetV2

        return self._network(weights.SPEAKER, Eres2NetV2.loaded)

    def _vocabulary(self) -> Vocabulary:
        return self._once("vocabulary", lambda: load_vocabulary(self._settings))

    def _network(self, file: WeightFile, build: Callable[[Mapping[str, Tensor]], Made]) -> Made:
        def make() -> Made:
            path = verified_path(file, self._settings)
            state = read_tensors(path)
            with named_faults(path):
                network: Any = build(state)
                network.to(self._device)
            made: Made = network
            return made

        return self._once(file.name, make)

    def _once(self, name: str, make: Callable[[], Made]) -> Made:
        with self._loading:
            if name not in self._made:
                self._made[name] = make()
            found: Made = self._made[name]
            return found
