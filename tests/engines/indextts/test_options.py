"""Options of IndexTTS: the request's, else the card's, else the package's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from realtime.characters import Characters, IndexTtsVoice
from realtime.engines.indextts.options import OPTIONS, USUAL, voice_for_adapter
from realtime.engines.options import options_of, own_options
from realtime.errors import BadRequest
from tests.support.indextts_environment import write_character, write_clip


@pytest.fixture
def voice(tmp_path: Path) -> IndexTtsVoice:
    write_character(tmp_path, "yuki", "sad.wav", ", top_k: 20")
    write_clip(tmp_path / "sad.wav", 1)
    found = Characters(tmp_path, {}).get("yuki").voice
    assert isinstance(found, IndexTtsVoice)
    return found


def read(values: dict[str, Any]) -> Any:
    return own_options("indextts", options_of(values), OPTIONS)


def test_what_is_not_said_is_the_cards_or_the_packages(voice: IndexTtsVoice) -> None:
    found = voice_for_adapter(voice, ())
    assert found["reference"].endswith("yuki.wav") and found["emotion_clip"].endswith("sad.wav")
    assert {name: found[name] for name in USUAL} == {**USUAL, "top_k": 20}


def test_a_request_says_more(voice: IndexTtsVoice) -> None:
    found = voice_for_adapter(voice, read({"top_k": 5, "emotion": "happy:0.5,calm:0.1"}))
    assert found["top_k"] == 5 and found["emotion_clip"] == ""
    assert found["emotion"] == [0.5, 0, 0, 0, 0, 0, 0, 0.1]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"emotion": "merry"}, "some of happy"),
        ({"emotion": "sad:0.6,calm:0.6"}, "more than 1"),
        ({"segment_tokens": 5}, "from 20 to 600"),
        ({"temprature": 1}, "has no option"),
    ],
)
def test_a_wrong_option_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        read(values)


def test_each_option_is_described_with_its_default() -> None:
    described = {option.name: option.schema() for option in OPTIONS}
    assert described["emotion"]["default"] == ""
    assert all(described[name]["default"] == usual for name, usual in USUAL.items())
