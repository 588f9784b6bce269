"""Voice activity: speech is speech, noise is none, and the state is a value."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.engines.contract import Detector, Samples
from tests.support.fake_recogniser import loaded_engine
from tests.support.spoken_sound import speech_of

RATE = 16000


@pytest.fixture(scope="module")
def silero(models_folder: Path) -> Detector:
    engine: Detector = loaded_engine("silero", models_folder)
    assert isinstance(engine, Detector)
    return engine


@pytest.fixture(scope="module")
def speech(models_folder: Path) -> Samples:
    return whole(
        speech_of(
            models_folder, "The quick brown fox jumps over the lazy dog.", "af_heart", "hibari"
        )
    )


def whole(samples: Samples) -> Samples:
    return samples[: samples.size // 512 * 512]


def noise(kind: str) -> Samples:
    place = np.arange(4 * RATE) / RATE
    chance = np.random.default_rng(5).standard_normal(place.size)
    made = {
        "silence": 0 * place,
        "hiss": 0.05 * chance,
        "hum": 0.2 * np.sin(2 * np.pi * 100 * place),
        "clicks": np.where(place % 0.5 < 0.002, 0.8, 0.0),
    }[kind]
    return whole(made.astype(np.float32))


def test_speech_is_found(silero: Detector, speech: Samples) -> None:
    probable, _ = silero.detect(speech, None)
    assert probable.size == speech.size // 512
    assert np.mean(probable > 0.5) > 0.7


@pytest.mark.parametrize("kind", ["silence", "hiss", "hum", "clicks"])
def test_noise_is_no_speech(silero: Detector, kind: str) -> None:
    probable, _ = silero.detect(noise(kind), None)
    assert np.mean(probable > 0.5) < 0.05


def test_however_it_is_cut_the_same_is_found(silero: Detector, speech: Samples) -> None:
    at_once, _ = silero.detect(speech, None)
    found, state, other = [], None, None
    for frame in speech.reshape(-1, 512):
        probable, state = silero.detect(frame, state)
        found.append(probable)
        _, other = silero.detect(frame[::-1].copy(), other)  # another stream between
    assert np.allclose(np.concatenate(found), at_once, atol=1e-3)


def test_it_brings_no_torch(silero: Detector) -> None:
    session: Any = silero
    assert type(session).__module__ == "realtime.engines.silero"
    assert "silero_vad" not in sys.modules
