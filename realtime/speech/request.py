"""Requests for lines, checked and resolved into lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from realtime.characters import Character, Characters
from realtime.engines.contract import Synthesizer, TakesOptions
from realtime.engines.options import EngineOption, Options, options_of, taken_options
from realtime.errors import BadRequest, NothingToSay, TextTooLong, Unavailable, shortlist
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from realtime.speech.line import ASKABLE, FASTEST, MOST_SEED, SLOWEST, Line
from realtime.speech.notices import FOREIGN_LANGUAGE, language_notices, option_notices
from realtime.speech.second_voice import SecondVoice, SecondVoices
from realtime.text.language import resolve_language, segments
from realtime.text.normalise import clean, has_speech


@dataclass(frozen=True)
class LineRequest:
    """A line as a client asks for it, before defaults and checks."""

    text: str
    character: str | None = None
    language: str = "auto"
    noaccent: bool = False
    longprompt: bool = False
    speed: float | None = None
    seed: int = 0
    engine: str | None = None
    options: Options = ()  # of engines; each engine takes those that it has
    then: str | None = None  # the name of a converter's voice, into which it is changed


def line_request(options: object) -> LineRequest:
    """Read a request from an object that has its fields under the same names."""
    found = {each.name: getattr(options, each.name) for each in fields(LineRequest)}
    return LineRequest(**{**found, "options": options_of(found["options"])})


class LineResolver:
    """A resolver of requests into lines: it fills in defaults and refuses what cannot be said."""

    def __init__(
        self,
        settings: Settings,
        characters: Characters,
        models: LoadedModels,
        second_voices: SecondVoices,
    ) -> None:
        self._limits = settings.limits
        self._characters = characters
        self._models = models
        self._second_voices = second_voices

    def resolve(self, request: LineRequest) -> Line:
        """Resolve a request whose text is whole."""
        self.check_length(request, len(request.text))
        text = clean(request.text)
        if not has_speech(text):
            raise nothing_to_say()
        _check_language(request)
        return self.resolve_begun(request, text)

    def resolve_begun(self, request: LineRequest, text: str) -> Line:
        """Resolve a request by a clean text that may still grow: it decides who speaks."""
        language = resolve_language(text, request.language)
        character = self._character(request.character, language)
        line = Line(
            text=text,
            character=character,
            language=language,
            noaccent=request.noaccent,
            longprompt=request.longprompt,
            speed=checked_speed(character.speed if request.speed is None else request.speed),
            seed=checked_seed(request.seed),
            then=self._second_voice(request, character),
        )
        line = self._with_engine(with_notices(line), request.engine)
        return _with_options(line, self._models.synthesizer(line.engine).engine, request.options)

    def check(self, request: LineRequest) -> None:
        """Check everything but the text."""
        _check_language(request)
        if request.character:
            speaker = self._character(request.character, request.language)
            self._second_voice(request, speaker)
        if request.engine:
            engine = self._models.synthesizer(request.engine).engine
            taken_options(request.options, _known_options(engine))
        checked_speed(1.0 if request.speed is None else request.speed)
        checked_seed(request.seed)

    def check_written(self, request: LineRequest) -> None:
        """Check language, engine and text, the last only as far as it takes no time."""
        _check_language(request)
        if request.engine:
            self._models.synthesizer(request.engine)
        self.check_length(request, len(request.text))
        if not request.text or request.text.isspace():
            raise nothing_to_say()

    def check_length(self, request: LineRequest, length: int) -> None:
        """Refuse a text that has more characters than the request may have."""
        most = self._limits.long_text if request.longprompt else self._limits.text
        if length > most:
            raise TextTooLong(
                f"The text has {length} characters; the limit is {most}.",
                hint=None if request.longprompt else self._longer_with_longprompt(),
                field="text",
                values={"length": length, "limit": most},
            )

    def _longer_with_longprompt(self) -> str:
        return f"With longprompt it is {self._limits.long_text}."

    def _character(self, name: str | None, language: str) -> Character:
        character = self._characters.get(name) if name else self._characters.default(language)
        if character.converts:
            raise BadRequest(
                f"{character.name!r} is a voice that speech is changed into; it does not speak.",
                hint="Let another character speak, and convert that: docs/conversion.md says how.",
                field="character",
            )
        return character

    def _second_voice(self, request: LineRequest, speaker: Character) -> SecondVoice | None:
        if not request.then:
            return None
        return self._second_voices.find(request.then, speaker, request.seed)

    def _with_engine(self, line: Line, wanted: str | None) -> Line:
        """Choose the engine that speaks a line: the wanted one, else the character's own."""
        needed = {line.accent} if line.accent else _languages(line)
        if wanted:
            model = self._models.synthesizer(wanted)
            spoken = model.engine.languages
            if needed <= spoken:
                return replace(line, engine=model.id)
            raise BadRequest(
                f"The engine {wanted!r} speaks {shortlist(spoken)}; "
                f"this line needs {shortlist(sorted(needed))}.",
                code="language_not_supported",
                field="engine",
            )
        for name in _candidates(line):
            found = self._models.find(name)
            if found is None or found.kind != "speak":
                continue
            model = self._models.synthesizer(name)
            if needed <= model.engine.languages:
                return replace(line, engine=model.id)
        raise Unavailable(
            f"{line.character.name!r} is spoken by {line.character.model!r}, which is not here.",
            hint="Choose another character; GET /api/characters lists them with their engines, "
            "and GET /api/models which models there are.",
        )


def with_notices(line: Line) -> Line:
    """Return the line with the notices that its text and its character call for."""
    others = tuple(each for each in line.notices if each.code != FOREIGN_LANGUAGE)
    notices = language_notices(line.character, _languages(line)) + others
    return replace(line, notices=notices)


def _with_options(line: Line, engine: Synthesizer, options: Options) -> Line:
    """Return the line with the options that its engine has, and a notice about the others."""
    if not options:
        return line
    taken = taken_options(options, _known_options(engine))
    ignored = [name for name, _ in options if name not in dict(taken)]
    return replace(line, options=taken, notices=line.notices + option_notices(engine.name, ignored))


def _known_options(engine: Synthesizer) -> Sequence[EngineOption]:
    return engine.options if isinstance(engine, TakesOptions) else ()


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


def _check_language(request: LineRequest) -> None:
    if request.language not in ASKABLE:
        raise BadRequest(
            f"language is {request.language!r}; there are: {', '.join(ASKABLE)}.",
            code="unknown_language",
            field="language",
        )


def _languages(line: Line) -> set[str]:
    return {segment.language for segment in segments(line.text, line.language)}


def _candidates(line: Line) -> Iterator[str]:
    """Name the character's engines, that of the line's language first."""
    yield line.character.engines.get(line.language, line.character.model)
    yield line.character.model
