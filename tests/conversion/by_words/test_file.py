"""A revoiced recording: where its sentences are, its length, and leaving early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.conversion.by_words import revoice_recording
from realtime.engines.contract import Transcript
from realtime.errors import BadRequest, NotFound
from realtime.services import Services
from realtime.settings import Settings
from realtime.speech.request import LineRequest
from tests.support.fake_recogniser import (
    RATE,
    LevelDetector,
    ScriptedRecogniser,
    hums,
    joined,
    services_with_fakes,
    silence,
)

pytestmark = pytest.mark.anyio

REQUEST = LineRequest("", "af_heart", engine="tone")


@pytest.fixture
def recogniser() -> ScriptedRecogniser:
    return ScriptedRecogniser()


@pytest.fixture
async def services(settings: Settings, recogniser: ScriptedRecogniser) -> AsyncIterator[Services]:
    services = services_with_fakes(settings, LevelDetector(), recogniser)
    yield services
    await services.close()


async def revoice(
    services: Services, *parts: Pcm, request: LineRequest = REQUEST, **options: Any
) -> Pcm:
    async def given() -> AsyncIterator[Pcm]:
        for part in parts:
            yield part

    options = {"rate": RATE, **options}
    output = revoice_recording(services.models, services.speech, request, given(), **options)
    return joined([pcm async for pcm in output])


def starts(pcm: Pcm, rate: int = RATE) -> list[float]:
    """Return the seconds at which a sound begins after at least 0.15 s of silence."""
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > 300)
    begins = np.diff(loud, prepend=-rate) > 0.15 * rate
    return [round(float(place) / rate, 2) for place in loud[begins]]


async def test_sentences_are_where_they_were(services: Services) -> None:
    recording = np.concatenate([silence(1.0), hums(1.0, 2.0, 1.0, 1.5)])
    output = await revoice(services, recording)
    assert output.size == recording.size
    assert starts(output) == pytest.approx([1.0, 4.0], abs=0.08)


async def test_what_takes_longer_is_said_one_after_another(
    services: Services, recogniser: ScriptedRecogniser
) -> None:
    recogniser.write = lambda samples: Transcript("abcdefghijklmnopqrstuvwxyz", "en")
    output = await revoice(services, hums(0.5, 0.5, 0.5, 0.5))
    assert starts(output) == pytest.approx([0.0, 2.33], abs=0.1)
    assert output.size / RATE == pytest.approx(2 * 26 * 0.08 + 0.25, abs=0.1)


async def test_however_it_is_cut_the_same_comes(services: Services) -> None:
    recording = hums(0.7, 0.9, 0.6, 1.3)
    whole = await revoice(services, recording)
    for size in (333, 12_345):
        parts = np.split(recording, list(range(size, recording.size, size)))
        assert np.array_equal(await revoice(services, *parts), whole)


async def test_silence_stays_silence(services: Services, recogniser: ScriptedRecogniser) -> None:
    output = await revoice(services, silence(30.0))
    assert output.size == 30 * RATE and not output.any()
    assert recogniser.heard == []
    assert (await revoice(services)).size == 0


async def test_what_is_not_understood_is_silence(
    services: Services, recogniser: ScriptedRecogniser
) -> None:
    said = iter([Transcript("", "ko", spoken=False), Transcript("", "en"), Transcript("ab", "en")])
    recogniser.write = lambda samples: next(said)
    output = await revoice(services, hums(0.6, 1.0, 0.6, 1.0, 0.6, 1.0))
    assert starts(output) == pytest.approx([3.2], abs=0.08)


async def test_rates(services: Services) -> None:
    output = await revoice(
        services, hums(1.0, 1.0, 1.0, 1.0, rate=11025), rate=11025, output_rate=48000
    )
    assert output.size == pytest.approx(4 * 48000, abs=48)
    assert starts(output, 48000) == pytest.approx([0.0, 2.0], abs=0.08)
    with pytest.raises(BadRequest, match="sample_rate is 1"):
        await revoice(services, rate=1)


async def test_silence_is_given_before_the_recording_has_come(services: Services) -> None:
    came = 0

    async def given() -> AsyncIterator[Pcm]:
        nonlocal came
        for _ in range(60):
            came += 1
            yield silence(1.0)

    output = revoice_recording(services.models, services.speech, REQUEST, given(), RATE)
    async with aclosing(output) as sounds:
        assert not (await anext(sounds)).any()
        assert came < 5


async def test_leaving_early_frees_everything(
    services: Services, recogniser: ScriptedRecogniser
) -> None:
    recogniser.write = lambda samples: Transcript("abcdefgh " * 200, "en")

    async def given() -> AsyncIterator[Pcm]:
        yield hums(1.0, 1.0)

    output = revoice_recording(services.models, services.speech, REQUEST, given(), RATE)
    async with aclosing(output) as sounds:
        async for pcm in sounds:
            if pcm.any():
                break
    assert not any(jobs for _, jobs in services.models.job_counts())
    assert not any(state.leases for state in services.models.states())


async def test_an_unknown_character_is_refused(services: Services) -> None:
    with pytest.raises(NotFound):
        await revoice(services, hums(1.0), request=LineRequest("", "nobody"))
