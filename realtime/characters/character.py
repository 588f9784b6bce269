"""A character, and the set of characters in which one is found by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from realtime.characters.converter_voice import ConverterVoice
from realtime.characters.gpt_sovits_voice import GptSovitsVoice
from realtime.characters.remote_voice import RemoteVoice
from realtime.characters.voices import Voice
from realtime.errors import NotFound, shortlist
from realtime.model_id import model_id


@dataclass(frozen=True)
class Character:
    """A speaker: name, voice and defaults; `engine` is the family of the voice data."""

    name: str
    display_name: str
    engine: str
    language: str
    native: tuple[str, ...]  # the languages that sound native; `language` is the first
    languages: tuple[str, ...]
    gender: str
    description: str
    licence: str
    source: str
    speed: float
    median_pitch: float | None  # Hz; None: not measured
    aliases: tuple[str, ...]
    picture: Path | None
    engines: Mapping[str, str] = field(hash=False)  # language -> engine that wins over `engine`
    voice: Voice = field(repr=False)
    digest: str

    @property
    def model(self) -> str:
        """Return the id of the model that has its voice, where no other engine is named."""
        voice = self.voice
        named = GptSovitsVoice | ConverterVoice | RemoteVoice
        return model_id(self.engine, voice.model if isinstance(voice, named) else "")

    @property
    def converts(self) -> bool:
        """Tell whether it changes other voices into its own, and does not speak by itself."""
        return isinstance(self.voice, ConverterVoice)


@dataclass(frozen=True)
class CharacterSet:
    """A set of characters, as one reading of the folder found it."""

    characters: Mapping[str, Character]
    aliases: Mapping[str, str]
    broken: Mapping[str, str]  # file -> reason
    unusable: Mapping[str, str]  # character that cannot speak -> reason

    def find(self, name: str) -> Character:
        """Find a character by name, by alias, then in any case where only one fits."""
        exact = name if name in self.characters else self.aliases.get(name)
        if exact is not None:
            return self.characters[exact]
        alike = self._alike(name)
        if len(alike) != 1 or name in self.unusable:
            raise self._missing(name, alike)
        return self.characters[alike[0]]

    def _known(self) -> list[str]:
        return [*self.characters, *self.aliases]

    def _alike(self, name: str) -> list[str]:
        folded = name.casefold()
        known = (known for known in self._known() if known.casefold() == folded)
        return sorted({self.aliases.get(known, known) for known in known})

    def _missing(self, name: str, alike: list[str]) -> NotFound:
        if name in self.unusable:
            message = f"The character {name!r} cannot be used: {self.unusable[name]}."
        elif near := alike or self._near(name):
            message = f"There is no character {name!r}; near it: {shortlist(near)}."
        else:
            there = shortlist(self.characters) or "none at all"
            message = f"There is no character {name!r}; there are: {there}."
        return NotFound(
            message,
            code="character_not_found",
            hint="GET /api/characters lists who there is.",
            field="character",
        )

    def _near(self, name: str) -> list[str]:
        folded = {known.casefold(): known for known in self._known()}
        return [folded[key] for key in difflib.get_close_matches(name.casefold(), folded, 3)]
