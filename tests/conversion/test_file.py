"""Recordings: as long as they were, the same however they are cut, and whole for some models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.audio.samples import Pcm
from realtime.conversion.file import convert_recording
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, TooLarge
from realtime.models.loaded import LoadedModels
from tests.support.fake_converters import InvertingConverter, WholeRecordingConverter, models_of
from tests.support.voice_like_sound import pcm, voice

pytestmark = pytest.mark.anyio

OPEN = VoiceChange(gate=-90.0)


async def parts(sounds: Sequence[Pcm]) -> AsyncIterator[Pcm]:
    for sound in sounds:
        yield sound


async def run(
    ours: LoadedModels, name: str, sounds: Sequence[Pcm], rate: int, output_rate: int | None = None
) -> Pcm:
    given = convert_recording(ours, name, OPEN, parts(sounds), rate, output_rate)
    return np.concatenate([np.zeros(0, np.int16), *[part async for part in given]])


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000, 96000])
async def test_it_is_as_long_and_in_its_place(rate: int) -> None:
    ours = models_of(InvertingConverter())
    sound = pcm(0.3 * voice(1.0, rate=rate))
    found = await run(ours, "inverting", [sound], rate)
    await ours.close()
    assert found.size == sound.size
    likeness = np.corrcoef(found.astype(float), -sound.astype(float))[0, 1]
    assert likeness > (0.95 if rate > 16000 else 0.999)


async def test_another_rate_comes_out() -> None:
    ours = models_of(InvertingConverter())
    found = await run(ours, "inverting", [pcm(voice(1.0, rate=16000))], 16000, 48000)
    await ours.close()
    assert found.size == 48000


@settings(max_examples=15)
@given(st.lists(st.integers(0, 12_000), max_size=8))
def test_cuts_are_not_heard(cuts: list[int]) -> None:
    async def both() -> None:
        ours = models_of(InvertingConverter())
        sound = pcm(voice(0.5))
        cut = await run(ours, "inverting", np.split(sound, sorted(cuts)), 24000)
        whole = await run(ours, "inverting", [sound], 24000)
        await ours.close()
        assert np.array_equal(cut, whole)

    asyncio.run(both())


async def test_a_model_of_whole_recordings_gets_the_whole() -> None:
    ours = models_of(WholeRecordingConverter())
    sound = pcm(voice(0.9, rate=16000))
    found = await run(ours, "whole", np.split(sound, [1_000, 5_000]), 16000)
    await ours.close()
    assert found.size == sound.size
    assert np.array_equal(found, -sound[::-1])


async def test_nothing_is_nothing() -> None:
    ours = models_of(InvertingConverter(), WholeRecordingConverter())
    for name in ("inverting", "whole"):
        assert not (await run(ours, name, [], 24000)).size
    await ours.close()


async def test_a_whole_recording_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.conversion.file.MOST_WHOLE_SECONDS", 1)
    ours = models_of(WholeRecordingConverter())
    with pytest.raises(TooLarge):
        await run(ours, "whole", [np.zeros(17_000, np.int16)] * 2, 16000)
    await ours.close()


@pytest.mark.parametrize("rate", [1, 3_999, 192_001, 1_000_000])
async def test_rates_that_are_none_are_refused(rate: int) -> None:
    with pytest.raises(BadRequest, match="sample_rate"):
        await run(models_of(InvertingConverter()), "inverting", [], rate)


async def test_leaving_early_frees_the_engine() -> None:
    engine = InvertingConverter()
    ours = models_of(engine)
    stream = convert_recording(ours, "inverting", OPEN, parts([pcm(voice(2.0))]), 24000)
    assert (await anext(stream)).size
    await stream.aclose()
    assert ours.states()[0].leases == 0
    async with ours.converter("inverting").lease() as lease:
        assert await lease.lane.call(lambda: engine.streams) == 0
    await ours.close()
