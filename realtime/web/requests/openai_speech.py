"""The JSON body of /v1/audio/speech: OpenAI's fields and our own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from realtime.audio.formats import FORMATS
from realtime.audio.samples import RATES
from realtime.errors import BadRequest
from realtime.speech.line import ASKABLE
from realtime.speech.request import LineRequest
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import (
    ChoiceField,
    FlagField,
    FormatField,
    NameField,
    NeededTextField,
    NumberChoiceField,
    TextField,
)
from realtime.web.requests.fields import Fields
from realtime.web.requests.line import COMMON, LANGUAGE, most_text, read_common_fields
from realtime.web.requests.sound_form import SoundForm

STREAM_FORMATS = ("audio", "sse")
PCM_RATE = 24000  # the rate that OpenAI's clients assume for samples without a header
# The letters for languages of other servers with the same voices.
LANGUAGE_LETTERS = {"a": "en", "b": "en", "j": "ja", "z": "zh"}

INPUT = NeededTextField("input", "The text that is spoken.", 1, most_text)
VOICE = NameField(
    "voice",
    "A character's name or alias; without it the language's character in `default_characters`.",
)
MODEL = TextField("model", "An engine's name; any other text means the character's own engine.")
RESPONSE_FORMAT = FormatField("response_format", "The container format of the sound.", "mp3")
STREAM_FORMAT = ChoiceField(
    "stream_format", "`audio` is plain sound, `sse` sound in events.", STREAM_FORMATS, "audio"
)
LANGUAGE_CODE = TextField(
    "lang_code",
    "Another name for `language`, also with its letters.",
    choices=(*LANGUAGE_LETTERS, *ASKABLE),
)
SAMPLE_RATE = NumberChoiceField(
    "sample_rate", f"In Hz; without it the engine's own, for `pcm` {PCM_RATE}.", RATES
)
STREAM = FlagField(
    "stream", "Whether the sound comes as it is made; only for `stream_format: audio`.", True
)
RETURN_TIMESTAMPS = FlagField(
    "return_timestamps", "Whether events have the words; only for `stream_format: sse`."
)
# Accepted in OpenAI's form; no engine can follow them yet.
INSTRUCTIONS = TextField("instructions", "Read and ignored: no engine here can follow them.")
SPEECH = FieldTable(
    "OpenAiSpeech",
    (
        *(INPUT, VOICE, MODEL, RESPONSE_FORMAT, STREAM_FORMAT, LANGUAGE, LANGUAGE_CODE, *COMMON),
        *(SAMPLE_RATE, STREAM, RETURN_TIMESTAMPS, INSTRUCTIONS),
    ),
    ignores_others=True,
)


@dataclass(frozen=True, kw_only=True)
class OpenAiSpeechRequest(SoundForm):
    """A line and the form of its answer, checked field by field."""

    line_request: LineRequest


def read_speech_request(
    body: Mapping[str, Any], speakers: Collection[str], engines: Collection[str]
) -> OpenAiSpeechRequest:
    """Read a body; `speakers` are the engines that can speak, `engines` are all of them."""
    fields = SPEECH.open(body)
    wanted, rate = RESPONSE_FORMAT.read(fields), SAMPLE_RATE.read(fields)
    INSTRUCTIONS.read(fields)
    return OpenAiSpeechRequest(
        line_request=_line_request(fields, _engine(MODEL.read(fields), speakers, engines)),
        format=wanted,
        sample_rate=rate or (PCM_RATE if wanted is FORMATS["pcm"] else None),
        events=STREAM_FORMAT.read(fields) == "sse",
        whole=not STREAM.read(fields),
        timestamps=RETURN_TIMESTAMPS.read(fields),
    )


def _line_request(fields: Fields, engine: str | None) -> LineRequest:
    request = read_common_fields(
        fields,
        text=INPUT.read(fields),
        character=VOICE.read(fields),
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
    letter = LANGUAGE_CODE.read(fields)
    language = LANGUAGE.read(fields) or LANGUAGE_LETTERS.get(letter or "", letter)
    return language or "auto"
