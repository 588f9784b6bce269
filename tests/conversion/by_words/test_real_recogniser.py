"""The real detector and recogniser on our own voices: words, languages, noise, recordings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
import soxr

from benchmarks.listening import errors, units
from realtime.audio.samples import Pcm, from_pcm16, to_pcm16
from realtime.conversion.by_words import Revoicing, SentenceHeard, revoice_recording
from realtime.engines.contract import CancelToken, Samples
from realtime.services import Services
from realtime.settings import Settings
from realtime.speech.request import LineRequest
from tests.support.fake_recogniser import RATE, joined, loaded_engine, real_services
from tests.support.spoken_sound import speech_of, with_silence_around

pytestmark = pytest.mark.anyio

FOX = "The quick brown fox jumps over the lazy dog."
STATION = "Could you please tell me the way to the nearest station?"


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    services = real_services(settings)
    yield services
    await services.close()


async def revoice(services: Services, pcm: Pcm, request: LineRequest, step: int = 320) -> list[Any]:
    """Send a recording in pieces of a socket's length; return everything that comes back."""
    revoicing = Revoicing(services.models, services.speech, request, RATE)

    async def items() -> list[Any]:
        async with aclosing(revoicing.output()) as coming:
            return [item async for item in coming]

    listening = asyncio.create_task(items())
    for start in range(0, pcm.size, step):
        await revoicing.feed(pcm[start : start + step])
    revoicing.end()
    return await listening


def texts(items: list[Any]) -> list[str]:
    return [item.text for item in items if isinstance(item, SentenceHeard) and item.text]


def spoken(services: Services, *asked: str) -> Samples:
    return speech_of(services.settings.models.path, *asked)


def recogniser(services: Services) -> Any:
    return loaded_engine("revoice", services.settings.models.path)


def transcribed(services: Services, pcm: Pcm) -> str:
    """Return what Whisper understands in an answer."""
    found: str = recogniser(services).recognise(from_pcm16(pcm), "en", None, CancelToken()).text
    return found


@pytest.mark.slow
async def test_two_sentences_there_and_back(services: Services) -> None:
    one, two = (spoken(services, text, "af_heart", "hibari") for text in (FOX, STATION))
    pcm = np.concatenate([with_silence_around(one), with_silence_around(two)])
    items = await revoice(services, pcm, LineRequest("", "af_heart", engine="hibari"))
    assert [units(text, "en") for text in texts(items)] == [units(FOX, "en"), units(STATION, "en")]
    events = [item.event for item in items if isinstance(item, SentenceHeard)]
    assert sorted(events) == 2 * ["speech_started"] + 2 * ["speech_stopped"]
    assert {item.language for item in items if isinstance(item, SentenceHeard)} == {None, "en"}
    answer = joined(item for item in items if isinstance(item, np.ndarray))
    expected = units(FOX + " " + STATION, "en")
    assert errors(expected, units(transcribed(services, answer), "en")) <= 2


@pytest.mark.slow
async def test_another_language_is_found_and_spoken_by_whoever_is_asked(
    services: Services,
) -> None:
    text = "すみません、一番近い駅はどこですか。"
    pcm = with_silence_around(spoken(services, text, "jf_alpha", "kokoro", "ja"))
    items = await revoice(services, pcm, LineRequest("", "af_heart"))
    assert "ja" in {item.language for item in items if isinstance(item, SentenceHeard)}
    assert errors(units(text, "ja"), units("".join(texts(items)), "ja")) <= 4, texts(items)
    answer = joined(item for item in items if isinstance(item, np.ndarray))
    found = recogniser(services).recognise(from_pcm16(answer), None, None, CancelToken())
    assert found.language == "ja"


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.003, 0.03, 0.3])
async def test_noise_says_nothing(services: Services, level: float) -> None:
    chance = np.random.default_rng(11)
    noise = to_pcm16((level * chance.standard_normal(20 * RATE)).astype(np.float32))
    assert await revoice(services, noise, LineRequest("", "af_heart", engine="tone")) == []


async def test_speech_in_a_noisy_room_is_understood(services: Services) -> None:
    pcm = from_pcm16(with_silence_around(spoken(services, FOX, "af_heart", "hibari")))
    noise = 0.01 * np.random.default_rng(12).standard_normal(pcm.size).astype(np.float32)
    items = await revoice(
        services, to_pcm16(pcm + noise), LineRequest("", "af_heart", engine="tone")
    )
    assert errors(units(FOX, "en"), units(" ".join(texts(items)), "en")) <= 2


async def test_a_recording_is_said_again_where_it_was_said(services: Services) -> None:
    pcm = with_silence_around(spoken(services, FOX, "af_heart", "hibari"), before=2.0, after=3.0)
    upload = to_pcm16(soxr.resample(from_pcm16(pcm), RATE, 44100).astype(np.float32))

    async def parts() -> AsyncIterator[Pcm]:
        for start in range(0, upload.size, 10_000):
            yield upload[start : start + 10_000]

    request = LineRequest("", "af_heart", engine="hibari")
    output = revoice_recording(services.models, services.speech, request, parts(), 44100, RATE)
    again = joined([part async for part in output])
    assert again.size == pytest.approx(pcm.size, abs=RATE // 50)
    assert np.flatnonzero(np.abs(again) > 300)[0] / RATE == pytest.approx(2.0, abs=0.25)
    assert errors(units(FOX, "en"), units(transcribed(services, again[RATE:]), "en")) <= 1
