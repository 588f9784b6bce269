"""A line in a JSON body, and the form in which its recording is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from realtime.audio.formats import Format, format_named
from realtime.audio.samples import RATES
from realtime.speech.line import FASTEST, MOST_SEED, SLOWEST
from realtime.speech.request import LineRequest
from realtime.web.requests.fields import Fields

LINE_FIELDS = ("text", "character", "language", "noaccent", "longprompt", "speed", "seed", "engine")
FIELDS = (*LINE_FIELDS, "format", "sample_rate")


@dataclass(frozen=True)
class RecordingRequest:
    """A line, and the format and sample rate of its recording."""

    line_request: LineRequest
    format: Format
    sample_rate: int | None  # None: the engine's own


def read_recording_request(body: Mapping[str, Any]) -> RecordingRequest:
    """Read a line with a format and a sample rate; refuse other fields by their names."""
    fields = Fields(body)
    fields.refuse_unknown(FIELDS)
    line_request = _line_request(fields)
    wanted = format_named(fields.text("format") or "wav", field="format")
    return RecordingRequest(line_request, wanted, fields.number_of("sample_rate", RATES))


def read_line_request(body: Mapping[str, Any]) -> LineRequest:
    """Read a line alone; refuse other fields by their names."""
    fields = Fields(body)
    fields.refuse_unknown(LINE_FIELDS)
    return _line_request(fields)


def read_common_fields(
    fields: Fields, text: str, character: str | None, language: str
) -> LineRequest:
    """Read the fields that have the same name in every form of a request, but for the engine."""
    return LineRequest(
        text=text,
        character=character,
        language=language,
        noaccent=fields.flag("noaccent"),
        longprompt=fields.flag("longprompt"),
        speed=fields.number("speed", SLOWEST, FASTEST),
        seed=fields.whole("seed", 0, MOST_SEED) or 0,
    )


def _line_request(fields: Fields) -> LineRequest:
    request = read_common_fields(
        fields,
        text=fields.needed_text("text"),
        character=fields.text("character"),
        language=fields.text("language") or "auto",
    )
    return replace(request, engine=fields.text("engine"))
