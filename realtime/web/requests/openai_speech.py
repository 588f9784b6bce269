"""The JSON body of /v1/audio/speech: OpenAI's fields and our own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from realtime.audio.formats import FORMATS, Format, format_named
from realtime.audio.samples import RATES
from realtime.errors import BadRequest
from realtime.speech.request import LineRequest
from realtime.web.requests.fields import Fields
from realtime.web.requests.line import read_common_fields

STREAM_FORMATS = ("audio", "sse")
PCM_RATE = 24000  # the rate that OpenAI's clients assume for samples without a header
# The letters for languages of other servers with the same voices.
LANGUAGE_LETTERS = {"a": "en", "b": "en", "j": "ja", "z": "zh"}


@dataclass(frozen=True)
class OpenAiSpeechRequest:
    """A line and the form of its answer, checked field by field."""

    line_request: LineRequest
    format: Format
    sample_rate: int | None  # None: the recording's own
    events: bool  # server-sent events instead of plain audio
    whole: bool  # one body with its length instead of a stream
    timestamps: bool


def read_speech_request(
    body: Mapping[str, Any], speakers: Collection[str], engines: Collection[str]
) -> OpenAiSpeechRequest:
    """Read a body; `speakers` are the engines that can speak, `engines` are all of them."""
    fields = Fields(body)
    wanted = format_named(fields.text("response_format") or "mp3")
    rate = fields.number_of("sample_rate", RATES)
    fields.text("instructions")  # accepted in OpenAI's form; no engine can follow them yet
    return OpenAiSpeechRequest(
        line_request=_line_request(fields, _engine(fields.text("model"), speakers, engines)),
        format=wanted,
        sample_rate=rate or (PCM_RATE if wanted is FORMATS["pcm"] else None),
        events=fields.one_of("stream_format", STREAM_FORMATS, "audio") == "sse",
        whole=not fields.flag("stream", default=True),
        timestamps=fields.flag("return_timestamps"),
    )


def _line_request(fields: Fields, engine: str | None) -> LineRequest:
    request = read_common_fields(
        fields,
        text=fields.needed_text("input"),
        character=fields.name_or_id("voice"),
        language=_language(fields),
    )
    return replace(request, engine=engine)


def _engine(model: str | None, speakers: Collection[str], engines: Collection[str]) -> str | None:
    """Return the engine that `model` names; None for other names: the character's own engine."""
    if model in engines and model not in speakers:
        raise BadRequest(
            f"The engine {model!r} changes voices and cannot speak; "
            f"those that speak: {', '.join(speakers)}.",
            code="unknown_engine",
            field="model",
        )
    return model if model in speakers else None


def _language(fields: Fields) -> str:
    letter = fields.text("lang_code")
    language = fields.text("language") or LANGUAGE_LETTERS.get(letter or "", letter)
    return language or "auto"
