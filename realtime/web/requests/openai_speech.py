"""What a body of /v1/audio/speech asks for; it knows no HTTP and speaks nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from realtime.audio.formats import FORMATS, Format, format_named
from realtime.audio.samples import RATES
from realtime.errors import BadRequest
from realtime.speech.line import FASTEST, MOST_SEED, SLOWEST
from realtime.speech.request import LineRequest
from realtime.web.requests.fields import Fields

STREAM_FORMATS = ("audio", "sse")
PCM_RATE = 24000  # what clients take headerless samples for
# Letters that other servers with the same voices use for a language.
LANGUAGE_LETTERS = {"a": "en", "b": "en", "j": "ja", "z": "zh"}


@dataclass(frozen=True)
class OpenAiSpeechRequest:
    """One request, read and checked as far as its form goes."""

    wish: LineRequest
    format: Format
    sample_rate: int | None  # None: the recording's own
    events: bool  # server-sent events instead of bare audio
    whole: bool  # one body with its length instead of a stream
    timestamps: bool


def asked_of(
    body: Mapping[str, Any], speakers: Collection[str], engines: Collection[str]
) -> OpenAiSpeechRequest:
    """The request in a body; `speakers` are the engines that can speak."""
    fields = Fields(body)
    found = format_named(fields.text("response_format") or "mp3")
    rate = fields.number_of("sample_rate", RATES)
    fields.text("instructions")  # accepted in OpenAI's form; no engine can follow them yet
    return OpenAiSpeechRequest(
        wish=_wish(fields, _engine(fields.text("model"), speakers, engines)),
        format=found,
        sample_rate=rate or (PCM_RATE if found is FORMATS["pcm"] else None),
        events=fields.one_of("stream_format", STREAM_FORMATS, "audio") == "sse",
        whole=not fields.flag("stream", default=True),
        timestamps=fields.flag("return_timestamps"),
    )


def _wish(fields: Fields, engine: str | None) -> LineRequest:
    return LineRequest(
        text=fields.needed_text("input"),
        character=fields.name_or_id("voice"),
        language=_language(fields),
        noaccent=fields.flag("noaccent"),
        longprompt=fields.flag("longprompt"),
        speed=fields.number("speed", SLOWEST, FASTEST),
        seed=fields.whole("seed", 0, MOST_SEED) or 0,
        engine=engine,
    )


def _engine(model: str | None, speakers: Collection[str], engines: Collection[str]) -> str | None:
    """An engine's name chooses it; any other model means the character's own engine."""
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
    named = fields.text("language") or LANGUAGE_LETTERS.get(letter or "", letter)
    return named or "auto"
