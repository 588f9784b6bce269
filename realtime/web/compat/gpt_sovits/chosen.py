"""The weights and the clip that clients chose: with them clips are spoken that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from realtime.characters import Character, GptSovitsVoice
from realtime.characters.gpt_sovits_voice import GptSovitsCard, model_name
from realtime.characters.reference_clip import clip_digest
from realtime.engines.gpt_sovits.weights import CONVERTED, ENGINE
from realtime.model_id import model_id


@dataclass
class ChosenVoice:
    """The choices of clients; what nobody chose stays as the character's card has it."""

    gpt: str = ""  # a path inside models/gpt_sovits/
    sovits: str = ""
    character: str = ""  # whose clip was chosen
    style: str = ""  # of that clip

    def __bool__(self) -> bool:
        return bool(self.gpt or self.sovits or self.character)

    def find(self, characters: Iterable[Character]) -> Character | None:
        """Find the character of the chosen clip, else one with the chosen weights, else any."""
        known = [
            (each, each.voice.card) for each in characters if isinstance(each.voice, GptSovitsVoice)
        ]
        if not known or not self:
            return None
        return max(known, key=lambda pair: self._likeness(*pair))[0]

    def model(self, card: GptSovitsCard) -> str | None:
        """Return the id of the model that speaks; None where it is the character's own."""
        if not (self.gpt or self.sovits):
            return None
        return model_id(ENGINE, model_name(self.gpt or card.gpt, self.sovits or card.sovits))

    def _likeness(self, character: Character, card: GptSovitsCard) -> tuple[bool, int]:
        same = (_name(card.gpt) == _name(self.gpt)) + (_name(card.sovits) == _name(self.sovits))
        return character.name == self.character, same


def find_clip(data: bytes, characters: Iterable[Character]) -> tuple[str, str] | None:
    """Find the character and the style that a clip belongs to, by what is in its file."""
    digest = clip_digest(data)
    for character in characters:
        if not isinstance(voice := character.voice, GptSovitsVoice):
            continue
        for style in ("", *voice.card.styles):
            if voice.found[voice.spoken(style).reference].digest == digest:
                return character.name, style
    return None


def _name(path: str) -> str:
    return path.removesuffix(CONVERTED)
