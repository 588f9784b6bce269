"""Whisper as the recogniser of `revoice`: words, languages, and noise that is no speech."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.listening import errors, units
from realtime.engines.contract import CancelToken, Recogniser, Samples, WorkCancelled
from realtime.engines.whisper import PROMPTS, Whisper, WrittenText, choose_language
from realtime.settings import ModelsSettings, Settings
from tests.support.fake_recogniser import RATE, loaded_engine
from tests.support.spoken_sound import speech_of

SAID = [
    ("en", "The quick brown fox jumps over the lazy dog.", "af_heart", "hibari"),
    ("zh", "今天天气很好，我们一起去公园散步吧。", "zf_xiaoxiao", "kokoro"),
    ("ja", "すみません、一番近い駅はどこですか。", "jf_alpha", "kokoro"),
]


@pytest.fixture(scope="module")
def whisper(models_folder: Path) -> Recogniser:
    engine: Recogniser = loaded_engine("revoice", models_folder)
    assert isinstance(engine, Recogniser)
    return engine


@pytest.mark.parametrize(
    ("language", "text", "character", "engine"),
    [SAID[0], *(pytest.param(*said, marks=pytest.mark.slow) for said in SAID[1:])],
)
def test_words_and_language_are_found(
    whisper: Recogniser,
    models_folder: Path,
    language: str,
    text: str,
    character: str,
    engine: str,
) -> None:
    samples = speech_of(models_folder, text, character, engine, language)
    found = whisper.recognise(samples, None, None, CancelToken())
    assert (found.language, found.spoken) == (language, True)
    expected = units(text, language)
    assert errors(expected, units(found.text, language)) <= 0.2 * len(expected)


def test_a_given_language_is_not_sought(
    whisper: Recogniser, models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper, "_language_probabilities", None)
    language, text, character, engine = SAID[0]
    found = whisper.recognise(
        speech_of(models_folder, text, character, engine), language, None, CancelToken()
    )
    assert units(found.text, "en") == units(text, "en")


def noise(kind: str) -> Samples:
    place = np.arange(3 * RATE) / RATE
    chance = np.random.default_rng(7).standard_normal(place.size)
    made = {
        "silence": 0 * place,
        "hiss": 0.05 * chance,
        "loud": 0.5 * chance,
        "hum": 0.2 * np.sin(2 * np.pi * 100 * place),
        "clicks": np.where(place % 0.5 < 0.002, 0.8, 0.0),
    }[kind]
    return made.astype(np.float32)


@pytest.mark.parametrize("kind", ["silence", "hiss", "loud", "hum", "clicks"])
@pytest.mark.parametrize(
    "language", ["en", None, *(pytest.param(each, marks=pytest.mark.slow) for each in ("zh", "ja"))]
)
def test_noise_has_no_words(whisper: Recogniser, kind: str, language: str | None) -> None:
    assert whisper.recognise(noise(kind), language, None, CancelToken()).text == ""


def test_a_cancelled_one_stops(whisper: Recogniser) -> None:
    cancel = CancelToken()
    cancel.set()
    with pytest.raises(WorkCancelled):
        whisper.recognise(noise("hiss"), "en", None, cancel)


@pytest.mark.parametrize(
    ("probable", "usual", "expected"),
    [
        ({"en": 0.9, "ja": 0.1}, None, ("en", True)),
        ({"ja": 0.5, "ko": 0.4}, None, ("ja", True)),
        ({"ko": 0.9, "ja": 0.05}, None, ("ko", False)),
        ({"ko": 0.9, "ja": 0.05}, "ja", ("ko", False)),
        ({"ko": 0.5, "ja": 0.3, "en": 0.2}, None, ("ja", True)),
        ({"yue": 0.6, "zh": 0.3}, None, ("zh", True)),
        ({"en": 0.5, "ja": 0.3}, "ja", ("ja", True)),
        ({"en": 0.9, "ja": 0.1}, "ja", ("en", True)),
        ({"en": 0.5, "ja": 0.05}, "ja", ("en", True)),
    ],
)
def test_the_language_is_one_that_is_spoken_here(
    probable: dict[str, float], usual: str | None, expected: tuple[str, bool]
) -> None:
    assert choose_language(probable, usual) == expected


GOOD = WrittenText("Nobody knows who built it.", "en", likely=-0.2, no_speech=0.05, seconds=2.0)


@pytest.mark.parametrize(
    ("change", "senseless"),
    [
        ({}, False),
        ({"likely": -1.3}, True),
        ({"no_speech": 0.9}, False),
        ({"no_speech": 0.9, "likely": -0.8}, True),
        ({"text": "No, no, no, no, " * 12, "seconds": 20.0}, True),
        ({"text": "No, no, no!"}, False),
        ({"text": "スタッフの上に、上に、上に、上に、上に、上に、上に", "language": "ja"}, True),
        ({"text": "Thank you for watching, and see you in the next one.", "seconds": 0.4}, True),
        ({"text": PROMPTS["zh"], "language": "zh"}, True),
    ],
)
def test_what_nobody_said_is_told_from_speech(change: dict[str, Any], senseless: bool) -> None:
    assert replace(GOOD, **change).senseless is senseless


@pytest.mark.parametrize(
    ("placed", "device", "index", "type_"),
    [
        ("", "cpu", 0, "int8"),
        ("cuda:1", "cuda", 1, "int8_float16"),
        ("cpu", "cpu", 0, "int8"),
    ],
)
def test_it_is_loaded_where_it_is_placed(
    models_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    placed: str,
    device: str,
    index: int,
    type_: str,
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        "faster_whisper.WhisperModel", lambda name, **options: asked.update(options)
    )
    engine = Whisper(Settings(models=ModelsSettings(path=models_folder)))
    monkeypatch.setattr(engine, "recognise", lambda *given: None)
    if placed:
        engine.place(placed)
    engine.load()
    found = (asked["device"], asked["device_index"], asked["compute_type"])
    assert found == (device, index, type_)
    assert engine.may_use_cuda is (device == "cuda")
