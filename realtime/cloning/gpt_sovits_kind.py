"""Voices of GPT-SoVITS: the clip itself, and a card that names weights and the clip's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from realtime.audio.decoding import AudioSource
from realtime.audio.samples import from_pcm16, to_pcm16
from realtime.audio.wav import wav_file
from realtime.characters import GptSovitsVoice
from realtime.cloning.pair_choice import PairNames, choose_pair
from realtime.cloning.voice_kind import SpokenWords, VoiceClip, card_file, check_voiced
from realtime.cloning.words import nothing_said
from realtime.engines.gpt_sovits.pairs import Pair
from realtime.engines.gpt_sovits.reference import MOST_SECONDS, read_reference
from realtime.engines.gpt_sovits.weights import ENGINE
from realtime.settings import Settings
from realtime.text.normalise import has_speech


class GptSovitsKind:
    """The kind of voice that GPT-SoVITS speaks, with the weights that a request names."""

    engine: ClassVar[str] = GptSovitsVoice.family
    most_seconds: ClassVar[float] = MOST_SECONDS
    endings: ClassVar[tuple[str, ...]] = (".yaml", ".npz", ".wav")

    def __init__(self, settings: Settings, names: PairNames) -> None:
        self._settings = settings
        self._names = names

    def check(self) -> None:
        self._pair()

    def read(self, source: AudioSource) -> VoiceClip:
        """Decode the clip at its own rate, as its file will have it."""
        pcm = np.concatenate([np.zeros(0, np.int16), *source.parts()])
        pcm = pcm[: round(self.most_seconds * source.rate)]  # decoders may add some samples
        read_reference(wav_file(pcm, source.rate))  # the engine takes no other clips
        clip = VoiceClip(from_pcm16(pcm), source.rate)
        check_voiced(clip)
        return clip

    def files(
        self, name: str, clip: VoiceClip, words: SpokenWords, about: Mapping[str, str]
    ) -> dict[str, bytes]:
        if not has_speech(words.text):
            raise nothing_said()
        pair, folder = self._pair(), self._settings.models.path / ENGINE
        voice = {
            "gpt": pair.gpt.relative_to(folder).as_posix(),
            "sovits": pair.sovits.relative_to(folder).as_posix(),
            "reference": f"{name}.wav",
            "text": words.text,
            "language": words.language,
        }
        return {
            f"{name}.wav": wav_file(to_pcm16(clip.samples), clip.rate),
            f"{name}.yaml": card_file({**about, "engine": self.engine, "voice": voice}),
        }

    def _pair(self) -> Pair:
        return choose_pair(self._names, self._settings)
