"""A line in a JSON body, and the form in which its recording is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from realtime.audio.formats import Format
from realtime.audio.samples import RATES
from realtime.services import Services
from realtime.speech.line import ASKABLE, FASTEST, MOST_SEED, SLOWEST
from realtime.speech.request import LineRequest
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import (
    FlagField,
    FormatField,
    NeededTextField,
    NumberChoiceField,
    NumberField,
    OptionsField,
    TextField,
    WholeField,
)
from realtime.web.requests.fields import Fields


def most_text(services: Services) -> int:
    """Return the characters of the longest text: `limits.text`, or `long_text` by `longprompt`."""
    limits = services.settings.limits
    return max(limits.text, limits.long_text)


def engines_that_speak(services: Services) -> list[str]:
    return services.models.synthesizers()


TEXT = NeededTextField("text", "The text that is spoken.", 1, most_text)
CHARACTER = TextField(
    "character",
    "A character's name or alias; without it the language's character in `default_characters`.",
)
LANGUAGE = TextField(
    "language",
    "The text's language; `auto` finds it.",
    choices=ASKABLE,
    default="auto",
    may_be_empty=True,
)
NOACCENT = FlagField("noaccent", "Whether each part of a mixed text is read in its own language.")
LONGPROMPT = FlagField("longprompt", "Whether the text may be as long as `limits.long_text`.")
SPEED = NumberField(
    "speed", "How quickly it is spoken; without it as the character does.", SLOWEST, FASTEST
)
SEED = WholeField("seed", "The same seed gives the same samples.", 0, MOST_SEED, 0)
ENGINE = TextField(
    "engine", "The engine that speaks; without it the character's own.", choices=engines_that_speak
)
FORMAT = FormatField("format", "The container format of the recording.", "wav")
SAMPLE_RATE = NumberChoiceField("sample_rate", "In Hz; without it the engine's own.", RATES)

OPTIONS = OptionsField(
    "options",
    "Options of the engine, by name; an engine ignores those that it does not have.",
    converts=False,
)

THEN = TextField(
    "then", "A voice of a converter that it is changed into: a character, or a model by its id."
)

COMMON = (
    NOACCENT,
    LONGPROMPT,
    SPEED,
    SEED,
    OPTIONS,
    THEN,
)  # with the same names in every form of a request
LINE = FieldTable("LineAlone", (TEXT, CHARACTER, LANGUAGE, *COMMON, ENGINE))
RECORDING = FieldTable("Line", (*LINE.fields, FORMAT, SAMPLE_RATE))


@dataclass(frozen=True)
class RecordingRequest:
    """A line, and the format and sample rate of its recording."""

    line_request: LineRequest
    format: Format
    sample_rate: int | None  # None: the engine's own


def read_recording_request(body: Mapping[str, Any]) -> RecordingRequest:
    """Read a line with a format and a sample rate; refuse other fields by their names."""
    fields = RECORDING.open(body)
    return RecordingRequest(_line_request(fields), FORMAT.read(fields), SAMPLE_RATE.read(fields))


def read_line_request(body: Mapping[str, Any]) -> LineRequest:
    """Read a line alone; refuse other fields by their names."""
    return _line_request(LINE.open(body))


def read_common_fields(
    fields: Fields, text: str, character: str | None, language: str
) -> LineRequest:
    """Read the fields that have the same name in every form of a request, but for the engine."""
    return LineRequest(
        text=text,
        character=character,
        language=language,
        noaccent=NOACCENT.read(fields),
        longprompt=LONGPROMPT.read(fields),
        speed=SPEED.read(fields),
        seed=SEED.read(fields),
        options=OPTIONS.read(fields),
        then=THEN.read(fields),
    )


def _line_request(fields: Fields) -> LineRequest:
    request = read_common_fields(
        fields,
        text=TEXT.read(fields),
        character=CHARACTER.read(fields),
        language=LANGUAGE.read(fields) or "auto",
    )
    return replace(request, engine=ENGINE.read(fields))
