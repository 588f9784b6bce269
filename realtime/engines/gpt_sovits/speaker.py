"""A speaker of sentences with one model: prompts of voices, and the sound of their sentences."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from realtime.audio.samples import Samples
from realtime.characters import GptSovitsVoice
from realtime.engines.decoding.turn import Turn
from realtime.engines.gpt_sovits.front import FrontNetworks
from realtime.engines.gpt_sovits.manner import Manner
from realtime.engines.gpt_sovits.model import GptSovitsModel, SemanticPrompt
from realtime.engines.gpt_sovits.random_numbers import SentenceNoise
from realtime.engines.gpt_sovits.sentence import ReadSentence, SentenceReader
from realtime.engines.gpt_sovits.sounding import SoundPrompt, SoundRequest
from realtime.engines.gpt_sovits.speaking import speak_sentence
from realtime.engines.gpt_sovits.text.chinese import Readings
from realtime.engines.gpt_sovits.voice_prompt import (
    PromptStore,
    VoicePrompt,
    make_prompt,
    prompt_key,
)

if TYPE_CHECKING:
    from torch import Tensor

MOST_PROMPTS = 64  # in memory; each is some 100 kB


@dataclass(frozen=True, eq=False)
class LoadedPrompt:
    """A prompt made ready, with its text read."""

    prompt: VoicePrompt
    phones: tuple[int, ...]
    features: Tensor
    sound: SoundPrompt


class VoiceSpeaker:
    """A model with the prompts of the voices that it spoke last."""

    def __init__(
        self,
        model: GptSovitsModel,
        front: FrontNetworks,
        store: PromptStore,
        digests: Sequence[str],
        polyphones: Readings | None = None,
    ) -> None:
        """Make a speaker; `digests` are of the files that prompts are computed with."""
        self.model = model
        self.reader = SentenceReader("v1" if model.version.name == "v1" else "v2", polyphones)
        self._front = front
        self._store = store
        self._digests = tuple(digests)
        self._prompts: OrderedDict[tuple[str, str], LoadedPrompt] = OrderedDict()

    def prompt(self, voice: GptSovitsVoice, style: str) -> LoadedPrompt:
        """Return the prompt of a voice's style: from memory, from disk, or made now."""
        place = (voice.digest, style)
        if place not in self._prompts:
            self._prompts[place] = self._load(voice, style)
            while len(self._prompts) > MOST_PROMPTS:
                self._prompts.popitem(last=False)
        self._prompts.move_to_end(place)
        return self._prompts[place]

    def has(self, voice: GptSovitsVoice, style: str) -> bool:
        """Tell whether a prompt is in memory."""
        return (voice.digest, style) in self._prompts

    def speak(
        self, sentence: ReadSentence, prompt: LoadedPrompt, manner: Manner, turn: Turn
    ) -> Generator[Samples | None, None, None]:
        """Yield a sentence's sound as it is made, and None at the end of turns without any."""
        import torch

        features = sentence.features(self._front)
        semantic = SemanticPrompt(
            (*prompt.phones, *sentence.phones),
            torch.cat([prompt.features, features]),
            prompt.prompt.codes.tolist(),
            manner.sampling,
        )
        noise = SentenceNoise(manner.seed, semantic.phones)
        sounding = self.model.sounding
        asked = SoundRequest(sentence.phones, prompt.sound, noise, manner, turn.check)
        sound = sounding.sound(asked)
        own, chunk = len(sentence.phones), manner.chunk if sounding.streams else 0
        yield from speak_sentence(self.model, semantic, own, noise, sound, chunk, turn)

    def _load(self, voice: GptSovitsVoice, style: str) -> LoadedPrompt:
        key = prompt_key(voice, style, self._digests)
        found = self._store.find(key)
        if found is None:
            sounding = self.model.sounding
            found = make_prompt(voice, style, self._front, sounding.network, sounding.mel_format)
            self._store.keep(key, found)
        spoken = voice.spoken(style)
        read = self.reader.read_prompt(spoken.text, spoken.language)
        sound = self.model.sounding.prompt(found, read.phones)
        return LoadedPrompt(found, read.phones, read.features(self._front), sound)
