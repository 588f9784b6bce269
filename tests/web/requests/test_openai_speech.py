"""The body of /v1/audio/speech: OpenAI's fields, our own, and their defaults."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.errors import BadRequest
from realtime.speech.request import LineRequest
from realtime.web.requests.openai_speech import OpenAiSpeechRequest, read_speech_request
from tests.web.requests.test_fields import JSON

SPEAKERS = ("hibari", "kokoro", "tone")
ENGINES = (*SPEAKERS, "gain")


def read(**fields: Any) -> OpenAiSpeechRequest:
    return read_speech_request({"input": "Hello.", **fields}, SPEAKERS, ENGINES)


def test_a_text_alone_has_defaults_for_all_else() -> None:
    found = read()
    assert found.line_request == LineRequest("Hello.")
    assert found.format.name == "mp3"
    assert (found.sample_rate, found.events, found.whole) == (None, False, False)


def test_every_field_arrives() -> None:
    found = read(
        model="kokoro",
        voice="af_heart",
        instructions="Softly.",
        response_format="flac",
        speed=1.5,
        stream_format="sse",
        language="ja",
        seed=2**63 - 1,
        sample_rate=16000,
        noaccent=True,
        longprompt=True,
        stream=False,
        return_timestamps=True,
    )
    expected = LineRequest("Hello.", "af_heart", "ja", True, True, 1.5, 2**63 - 1, "kokoro")
    assert found.line_request == expected
    assert (found.format.name, found.sample_rate) == ("flac", 16000)
    assert found.events and found.whole and found.timestamps


def test_pcm_has_the_rate_that_clients_take_it_for() -> None:
    assert read(response_format="pcm").sample_rate == 24000
    assert read(response_format="pcm", sample_rate=8000).sample_rate == 8000
    assert read(response_format="wav").sample_rate is None


@pytest.mark.parametrize("model", [None, "", "tts-1", "gpt-4o-mini-tts", "yamabiko", "whatever"])
def test_other_models_mean_the_characters_own_engine(model: str | None) -> None:
    assert read(model=model).line_request.engine is None


@pytest.mark.parametrize("model", SPEAKERS)
def test_an_engines_name_chooses_it(model: str) -> None:
    assert read(model=model).line_request.engine == model


def test_an_engine_that_cannot_speak_is_refused() -> None:
    with pytest.raises(BadRequest, match="hibari, kokoro, tone") as caught:
        read(model="gain")
    assert caught.value.field == "model"


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ({}, "auto"),
        ({"lang_code": "a"}, "en"),
        ({"lang_code": "j"}, "ja"),
        ({"lang_code": "zh"}, "zh"),
        ({"lang_code": "j", "language": "en"}, "en"),
        ({"lang_code": "q"}, "q"),
    ],
)
def test_a_language_has_two_names(fields: dict[str, str], language: str) -> None:
    assert read(**fields).line_request.language == language


def test_unknown_fields_are_ignored() -> None:
    assert read(temperature=0.7, voice_aliases=[1], user={}).line_request == LineRequest("Hello.")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", None),
        ("input", 3),
        ("model", 3),
        ("voice", ["af_heart"]),
        ("instructions", {}),
        ("response_format", "wma"),
        ("speed", 5),
        ("speed", True),
        ("stream_format", "audio "),
        ("stream_format", ""),
        ("seed", -1),
        ("seed", 2**63),
        ("seed", 1.5),
        ("sample_rate", 12345),
        ("noaccent", "yes"),
        ("stream", 0),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        read(**{field: value})
    assert caught.value.field == field
    assert field in caught.value.message


FIELDS = ["input", "model", "voice", "instructions", "response_format", "speed", "stream_format"]
FIELDS += ["language", "lang_code", "seed", "sample_rate", "noaccent", "longprompt", "stream"]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_whatever_comes_is_read_or_refused(body: dict[str, Any]) -> None:
    try:
        assert isinstance(read_speech_request(body, SPEAKERS, ENGINES), OpenAiSpeechRequest)
    except BadRequest as error:
        assert error.field in FIELDS
