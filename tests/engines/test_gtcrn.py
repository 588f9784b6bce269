"""GTCRN: noise goes, a voice stays, silence is silence, and the state is a value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.audio.samples import Samples
from realtime.engines.frame_engines import Denoiser
from realtime.engines.gtcrn import HOP, WINDOW, Gtcrn
from realtime.settings import Settings
from tests.support.noisy_speech import noise_like, ratio
from tests.support.spoken_sound import speech_of


@pytest.fixture(scope="module")
def gtcrn() -> Gtcrn:
    engine = Gtcrn(Settings())
    engine.load()
    assert isinstance(engine, Denoiser)
    return engine


@pytest.fixture(scope="module")
def speech(models_folder: Path) -> Samples:
    text = "The quick brown fox jumps over the lazy dog."
    found = speech_of(models_folder, text, "af_heart", "hibari")
    return found[: found.size // HOP * HOP]


@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize(("decibels", "gain"), [(0.0, 6.0), (5.0, 5.0), (15.0, 2.0)])
def test_noise_goes_and_the_voice_stays(
    gtcrn: Gtcrn, speech: Samples, colour: str, decibels: float, gain: float
) -> None:
    heard = speech + noise_like(speech, colour, decibels)
    cleaned, _ = gtcrn.clean(heard, None)
    late, before = cleaned[gtcrn.latency :], speech[: -gtcrn.latency]
    assert cleaned.dtype == np.float32 and cleaned.size == heard.size
    assert ratio(late, before) > decibels + gain
    assert np.sqrt(np.mean(late**2)) > 0.6 * np.sqrt(np.mean(before**2))


def test_a_clean_voice_stays_as_it_is(gtcrn: Gtcrn, speech: Samples) -> None:
    cleaned, _ = gtcrn.clean(speech, None)
    assert ratio(cleaned[gtcrn.latency :], speech[: -gtcrn.latency]) > 20


def test_noise_alone_becomes_quiet(gtcrn: Gtcrn, speech: Samples) -> None:
    noise = noise_like(speech, "pink", 10)
    cleaned, _ = gtcrn.clean(noise, None)
    assert np.sqrt(np.mean(cleaned[8_000:] ** 2)) < 0.1 * np.sqrt(np.mean(noise**2))


def test_silence_stays_silence(gtcrn: Gtcrn) -> None:
    cleaned, _ = gtcrn.clean(np.zeros(40 * HOP, np.float32), None)
    assert not cleaned.any()


def test_a_stream_cut_anywhere_equals_itself(gtcrn: Gtcrn, speech: Samples) -> None:
    heard = speech[: 90 * HOP]
    whole, _ = gtcrn.clean(heard, None)
    parts, state, start = [], None, 0
    for frames in (1, 2, 40, 0, 7, 40):
        part, state = gtcrn.clean(heard[start : start + frames * HOP], state)
        parts.append(part)
        start += frames * HOP
    assert start == heard.size
    assert np.array_equal(np.concatenate(parts), whole)


def test_streams_that_take_turns_do_not_mix(gtcrn: Gtcrn, speech: Samples) -> None:
    first, second = speech[: 20 * HOP], speech[20 * HOP : 40 * HOP]
    alone = [gtcrn.clean(each, None)[0] for each in (first, second)]
    states = [None, None]
    found: list[list[Samples]] = [[], []]
    for at in range(0, 20 * HOP, HOP):
        for number, sound in enumerate((first, second)):
            part, states[number] = gtcrn.clean(sound[at : at + HOP], states[number])
            found[number].append(part)
    for parts, expected in zip(found, alone, strict=True):
        assert np.array_equal(np.concatenate(parts), expected)


def test_the_windows_of_overlapping_frames_add_up_to_one() -> None:
    assert np.allclose(WINDOW[:HOP] ** 2 + WINDOW[HOP:] ** 2, 1, atol=1e-6)
