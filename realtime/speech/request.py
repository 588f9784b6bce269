"""What somebody asks for, and the line that it becomes; it speaks nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from realtime.characters import Character, Characters
from realtime.errors import BadRequest, NothingToSay, TextTooLong, Unavailable, shortlist
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from realtime.speech.line import ASKABLE, FASTEST, MOST_SEED, SLOWEST, Line
from realtime.text.language import resolve_language, segments
from realtime.text.normalise import clean, has_speech


@dataclass(frozen=True)
class LineRequest:
    """What somebody asks for, before defaults and checks make it a line."""

    text: str
    character: str | None = None
    language: str = "auto"
    noaccent: bool = False
    longprompt: bool = False
    speed: float | None = None
    seed: int = 0
    engine: str | None = None


class LineResolver:
    """Lines from wishes: defaults are filled in, and what cannot be said is refused."""

    def __init__(self, settings: Settings, characters: Characters, models: LoadedModels) -> None:
        self._limits = settings.limits
        self._characters = characters
        self._models = models

    def line(self, wish: LineRequest) -> Line:
        """The line of a whole text."""
        self.check_length(wish, len(wish.text))
        text = clean(wish.text)
        if not has_speech(text):
            raise nothing_to_say()
        _check_language(wish)
        return self.begun(wish, text)

    def begun(self, wish: LineRequest, text: str) -> Line:
        """The line of a clean text that may still grow: what is there decides who speaks it."""
        language = resolve_language(text, wish.language)
        character = self._character(wish.character, language)
        line = Line(
            text=text,
            character=character,
            language=language,
            noaccent=wish.noaccent,
            longprompt=wish.longprompt,
            speed=checked_speed(character.speed if wish.speed is None else wish.speed),
            seed=checked_seed(wish.seed),
        )
        return self._with_engine(line, wish.engine)

    def check(self, wish: LineRequest) -> None:
        """Refuse what no text could mend, before there is any."""
        _check_language(wish)
        if wish.character:
            self._characters.get(wish.character)
        if wish.engine:
            self._models.synthesizer(wish.engine)
        checked_speed(1.0 if wish.speed is None else wish.speed)
        checked_seed(wish.seed)

    def check_length(self, wish: LineRequest, length: int) -> None:
        """Refuse a text with more characters than the wish may have."""
        most = self._limits.long_text if wish.longprompt else self._limits.text
        if length > most:
            raise TextTooLong(
                f"The text has {length} characters; the limit is {most}.",
                hint=None
                if wish.longprompt
                else f"With longprompt it is {self._limits.long_text}.",
                field="text",
            )

    def _character(self, name: str | None, language: str) -> Character:
        return self._characters.get(name) if name else self._characters.default(language)

    def _with_engine(self, line: Line, wanted: str | None) -> Line:
        """The line with the engine that speaks it: the wanted one, else the character's own."""
        needed = {line.accent} if line.accent else _languages(line)
        if wanted:
            spoken = self._models.synthesizer(wanted).engine.languages
            if needed <= spoken:
                return replace(line, engine=wanted)
            raise BadRequest(
                f"The engine {wanted!r} speaks {shortlist(spoken)}; "
                f"this line needs {shortlist(sorted(needed))}.",
                code="language_not_supported",
                field="engine",
            )
        known = self._models.synthesizers()
        for name in _candidates(line):
            if name in known and needed <= self._models.synthesizer(name).engine.languages:
                return replace(line, engine=name)
        raise Unavailable(
            f"{line.character.name!r} is a voice for the engine {line.character.engine!r}, "
            "which this version does not have yet.",
            hint="Choose another character; GET /api/characters lists them with their engines.",
        )


def nothing_to_say() -> NothingToSay:
    return NothingToSay(
        "The text holds nothing that can be spoken.",
        hint="Letters or digits are needed; emoji and punctuation alone are silent.",
        field="text",
    )


def checked_speed(speed: float) -> float:
    if not SLOWEST <= speed <= FASTEST or not math.isfinite(speed):
        raise BadRequest(f"speed is {speed}; allowed is {SLOWEST} to {FASTEST:g}.", field="speed")
    return float(speed)


def checked_seed(seed: int) -> int:
    if not 0 <= seed <= MOST_SEED:
        raise BadRequest(f"seed is {seed}; allowed is 0 to {MOST_SEED}.", field="seed")
    return seed


def _check_language(wish: LineRequest) -> None:
    if wish.language not in ASKABLE:
        raise BadRequest(
            f"language is {wish.language!r}; there are: {', '.join(ASKABLE)}.",
            code="unknown_language",
            field="language",
        )


def _languages(line: Line) -> set[str]:
    return {segment.language for segment in segments(line.text, line.language)}


def _candidates(line: Line) -> Iterator[str]:
    yield line.character.engines.get(line.language, line.character.engine)
    yield line.character.engine
