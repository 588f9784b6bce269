"""Options of IndexTTS: a request may change them, else the character's card says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from realtime.characters.gpt_sovits_voice import BadVoiceCard
from realtime.characters.indextts_voice import NUMBERS, IndexTtsVoice, read_emotions
from realtime.engines.options import (
    EngineOption,
    NumberOption,
    Options,
    OptionValue,
    TextOption,
    WholeOption,
)

EMOTION = "emotion"
# As the package has them.
USUAL: Mapping[str, float] = {
    "emotion_strength": 1.0,
    "segment_tokens": 60,
    "temperature": 0.8,
    "top_p": 0.8,
    "top_k": 30,
    "repetition_penalty": 10.0,
    "num_beams": 3,
    "diffusion_steps": 25,
}
ABOUT: Mapping[str, str] = {
    "emotion_strength": "Strength of the emotion; 0: the clip's own alone.",
    "segment_tokens": "Tokens of text in a segment: fewer begin to sound earlier.",
    "temperature": "Randomness of the choice of codes.",
    "top_p": "Share of the likeliest codes that are chosen from.",
    "top_k": "Codes that are chosen from.",
    "repetition_penalty": "How much a code that was said is avoided; 1: not at all.",
    "num_beams": "Ways that are followed at once; the back end flash follows one.",
    "diffusion_steps": "Steps in which a mel is made: fewer are quicker and rougher.",
}


@dataclass(frozen=True)
class EmotionOption(TextOption):
    """An emotion's name, or several with their weights."""

    def read(self, value: OptionValue) -> str:
        text = super().read(value)
        try:
            read_emotions(text)
        except BadVoiceCard as error:
            self.refuse(value, f"an emotion: {error}")
        return text


def _option(name: str) -> EngineOption:
    least, most, whole = NUMBERS[name]
    if whole:
        return WholeOption(name, ABOUT[name], int(least), int(most), int(USUAL[name]))
    return NumberOption(name, ABOUT[name], least, most, USUAL[name])


OPTIONS: tuple[EngineOption, ...] = (
    EmotionOption(
        EMOTION,
        "An emotion such as sad, or several with weights: sad:0.6,calm:0.2. Empty: as the "
        "character's card says.",
    ),
    *map(_option, NUMBERS),
)


def voice_for_adapter(voice: IndexTtsVoice, options: Options) -> dict[str, Any]:
    """Return what the adapter needs of a voice: the paths of its clips, and each number."""
    given = dict(options)
    card = voice.card
    own = {name: given.get(name, card.numbers.get(name, usual)) for name, usual in USUAL.items()}
    vector = read_emotions(str(given.get(EMOTION, "")))
    clip = "" if vector or not card.emotion_clip else str(voice.found[card.emotion_clip].path)
    return {
        "reference": str(voice.found[card.reference].path),
        "emotion_clip": clip,
        "emotion": list(vector or card.emotion),
        **own,
    }
