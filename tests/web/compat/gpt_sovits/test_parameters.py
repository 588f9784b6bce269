"""The parameters of `/tts`: their defaults, and refusals in the words and the order of the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from realtime import VERSION
from realtime.settings import GptSovitsApiSettings, LimitsSettings, Settings
from realtime.speech.request import LineRequest
from realtime.web.compat.gpt_sovits.errors import ContractRefusal
from realtime.web.compat.gpt_sovits.parameters import (
    LANGUAGES,
    NEW_SEEDS,
    TtsRequest,
    read_tts,
    read_voice_tts,
)

NEEDED = {"text": "Hi.", "text_lang": "en", "ref_audio_path": "a/b.wav", "prompt_lang": "zh"}
STREAMING = "the value of streaming_mode must be 0, 1, 2, 3(int) or true/false(bool)"
# Everything is wrong; each row mends the fault that the row before was refused for.
ORDER = [
    ({}, "ref_audio_path is required"),
    ({"ref_audio_path": "x"}, "text is required"),
    ({"text": "Hi."}, "text_lang is required"),
    ({"text_lang": "ko"}, f"text_lang: ko is not supported in version {VERSION}"),
    ({"text_lang": "en"}, "prompt_lang is required"),
    ({"prompt_lang": "yue"}, f"prompt_lang: yue is not supported in version {VERSION}"),
    ({"prompt_lang": "ja"}, "media_type: flac is not supported"),
    ({"media_type": "ogg"}, "text_split_method:cut9 is not supported"),
    ({"text_split_method": "cut0"}, STREAMING),
]
WRONG = {"media_type": "flac", "text_split_method": "cut9", "streaming_mode": 4}


def read(**fields: Any) -> TtsRequest:
    return read_tts({**NEEDED, **fields})


def test_refusals_come_in_the_order_of_the_api() -> None:
    sent: dict[str, Any] = dict(WRONG)
    for mended, message in ORDER:
        sent |= mended
        with pytest.raises(ContractRefusal) as refused:
            read_tts(sent)
        assert str(refused.value) == message
    read_tts({**sent, "streaming_mode": 0})


def test_what_is_needed_is_enough() -> None:
    found = read()
    assert (found.clip, found.text, found.text_lang) == ("a/b.wav", "Hi.", "en")
    assert (found.format.content_type, found.streamed, found.options) == ("audio/wav", False, ())
    assert found.line_request("af_heart", "", Settings()) == LineRequest("Hi.", "af_heart", "en")


@pytest.mark.parametrize(
    ("text_lang", "language", "own_sound"),
    [
        ("zh", "zh", True),
        ("all_zh", "zh", False),
        ("en", "en", False),
        ("ja", "ja", True),
        ("ALL_JA", "ja", False),
        ("Auto", "auto", True),
    ],
)
def test_languages_are_ours_in_any_case_of_letters(
    text_lang: str, language: str, own_sound: bool
) -> None:
    line = read(text_lang=text_lang).line_request(None, "", Settings())
    assert (line.language, line.noaccent) == (language, own_sound)
    assert text_lang.lower() in LANGUAGES


@pytest.mark.parametrize(
    ("sent", "streamed"),
    [
        *((value, False) for value in (0, False, "0", "false", "False", "")),
        *((value, True) for value in (1, 2, 3, True, "1", "2", "3", "true", "True")),
    ],
)
def test_every_way_to_write_the_streaming_mode(sent: Any, streamed: bool) -> None:
    assert read(streaming_mode=sent).streamed is streamed


@pytest.mark.parametrize("sent", [4, -1, 1.5, "yes", "none"])
def test_another_streaming_mode_is_refused(sent: Any) -> None:
    with pytest.raises(ContractRefusal, match="streaming_mode must be"):
        read(streaming_mode=sent)


def test_options_go_to_the_engine_only_where_they_are_sent() -> None:
    found = read(
        top_k="5",
        top_p=0.9,
        temperature="0.8",
        repetition_penalty=1.2,
        sample_steps=8,
        super_sampling="true",
        fragment_interval="0.3",
        overlap_length=2,
        min_chunk_length=16,
        text_split_method="cut0",
        batch_size=4,
        parallel_infer=False,
    )
    assert dict(found.line_request(None, "", Settings()).options) == {
        "top_k": 5,
        "top_p": 0.9,
        "temperature": 0.8,
        "repetition_penalty": 1.2,
        "sample_steps": 8,
        "super_sampling": True,
        "fragment_interval": 0.3,
        "overlap_length": 2,
        "min_chunk_length": 16,
        "text_split_method": "cut0",
    }


def test_the_style_of_a_clip_is_an_option() -> None:
    assert read().line_request("nana", "angry", Settings()).options == (("style", "angry"),)


def test_speed_and_seed() -> None:
    line = read(speed_factor="1.25", seed="7").line_request(None, "", Settings())
    assert (line.speed, line.seed) == (1.25, 7)
    usual = read(speed_factor=1.0, seed=-1).line_request(None, "", Settings())
    assert (usual.speed, usual.seed) == (None, 0)


def test_a_setting_gives_every_request_another_seed() -> None:
    settings = Settings(gpt_sovits_api=GptSovitsApiSettings(new_takes=True))
    seeds = {read().line_request(None, "", settings).seed for _ in range(8)}
    assert len(seeds) > 1 and all(0 <= seed < NEW_SEEDS for seed in seeds)
    assert read(seed=3).line_request(None, "", settings).seed == 3


def test_a_text_over_the_limit_is_a_long_one() -> None:
    settings = replace(Settings(), limits=LimitsSettings(text=3))
    assert read(text="abcd").line_request(None, "", settings).longprompt
    assert not read(text="abc").line_request(None, "", settings).longprompt


def test_a_voice_needs_its_name_and_a_text() -> None:
    for values, name in (({}, "voice_name"), ({"voice_name": "a"}, "text")):
        with pytest.raises(ContractRefusal, match=f"^{name} is required$"):
            read_voice_tts(values)
    found = read_voice_tts({"voice_name": "vivienne", "text": "你好"})
    assert (found.clip, found.text_lang) == ("vivienne", "zh")


def test_a_value_is_quoted_in_bounds() -> None:
    with pytest.raises(ContractRefusal) as refused:
        read(text_lang="x" * 10_000)
    assert len(str(refused.value)) < 200
