"""Noise is taken out before all else: no sample moves, at any rate and however a stream is cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import soxr

from realtime.audio.samples import Pcm, Samples, to_pcm16
from realtime.conversion.denoising import (
    DENOISERS,
    FULL,
    LIGHT,
    OFF,
    CleanMicrophone,
    StreamDenoiser,
    clean_microphone,
    denoised,
)
from realtime.conversion.live import Conversion
from realtime.conversion.microphone_buffer import MicrophoneBuffer
from realtime.engines.voice_change import GATE_OFF, VoiceChange
from realtime.models.loaded import LoadedModels
from realtime.settings import ModelsSettings, Settings
from tests.support.fake_recogniser import RATE as SPEECH_RATE
from tests.support.spoken_sound import speech_of
from tests.support.voice_like_sound import voice

pytestmark = pytest.mark.anyio

RATES = (8_000, 16_000, 24_000, 44_100, 48_000)


@pytest.fixture
def models(tmp_path: Path) -> LoadedModels:
    return LoadedModels(Settings(models=ModelsSettings(path=tmp_path)))


def sound(rate: int, seconds: float = 1.0) -> Pcm:
    return to_pcm16(voice(seconds, rate=rate))


def spoken(models_folder: Path) -> Samples:
    return speech_of(models_folder, "The quick brown fox jumps over.", "af_heart", "hibari")


async def cleaned_in_parts(
    models: LoadedModels, pcm: Pcm, rate: int, part: int, denoise: str = LIGHT
) -> Pcm:
    async with models.denoiser(DENOISERS[denoise]).lease("a test") as lease:
        denoiser = StreamDenoiser(lease, rate)
        parts = [
            await denoiser.feed(pcm[start : start + part]) for start in range(0, pcm.size, part)
        ]
        return np.concatenate([*parts, await denoiser.finish()])


@pytest.mark.slow
@pytest.mark.parametrize("denoise", DENOISERS)
@pytest.mark.parametrize("rate", RATES)
async def test_what_comes_out_is_as_long_and_where_it_was(
    models: LoadedModels, models_folder: Path, rate: int, denoise: str
) -> None:
    pcm = to_pcm16(soxr.resample(spoken(models_folder), SPEECH_RATE, rate))
    found = await cleaned_in_parts(models, pcm, rate, 997, denoise)
    assert found.size == pcm.size
    heard, given = pcm.astype(float), found.astype(float)
    lags = range(-rate // 50, rate // 50)
    alike = [heard[1000:-1000] @ given[1000 + lag : given.size - 1000 + lag] for lag in lags]
    assert abs(lags[int(np.argmax(alike))]) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("denoise", DENOISERS)
@pytest.mark.parametrize("part", [1, 160, 5_000, 100_000])
async def test_a_stream_cut_anywhere_equals_itself(
    models: LoadedModels, part: int, denoise: str
) -> None:
    pcm = sound(24_000, 0.3)
    whole = await cleaned_in_parts(models, pcm, 24_000, pcm.size, denoise)
    assert np.array_equal(await cleaned_in_parts(models, pcm, 24_000, part, denoise), whole)


async def test_the_full_band_is_left_where_that_is_asked(
    models: LoadedModels, models_folder: Path
) -> None:
    low = soxr.resample(spoken(models_folder), SPEECH_RATE, 48_000)
    high = low * np.cos(2 * np.pi * 11_000 * np.arange(low.size) / 48_000)
    pcm, above = to_pcm16((low + 0.3 * high).astype(np.float32)), []
    for denoise in (LIGHT, FULL):
        found = await cleaned_in_parts(models, pcm, 48_000, pcm.size, denoise)
        spectrum = np.abs(np.fft.rfft(found / 32_768)) ** 2
        above.append(spectrum[round(9_000 * found.size / 48_000) :].sum())
    assert above[1] > 100 * above[0]


@pytest.mark.parametrize("samples", [0, 1, 255, 256, 400])
async def test_short_streams_have_their_length(models: LoadedModels, samples: int) -> None:
    pcm = sound(16_000)[2_000 : 2_000 + samples]
    assert (await cleaned_in_parts(models, pcm, 16_000, 100)).size == samples


async def test_silence_stays_silence(models: LoadedModels) -> None:
    found = await cleaned_in_parts(models, np.zeros(30_000, np.int16), 24_000, 480)
    assert found.size == 30_000 and not found.any()


async def test_a_recording_is_cleaned_as_it_is_taken(models: LoadedModels) -> None:
    pcm = sound(24_000)
    taken = 0

    async def parts() -> AsyncGenerator[Pcm, None]:
        nonlocal taken
        for start in range(0, pcm.size, 4_800):
            taken += 4_800
            yield pcm[start : start + 4_800]

    found, ahead = [], []
    async with aclosing(denoised(models, parts(), 24_000, LIGHT)) as cleaned:
        async for part in cleaned:
            found.append(part)
            ahead.append(taken - sum(each.size for each in found))
    assert np.array_equal(
        np.concatenate(found), await cleaned_in_parts(models, pcm, 24_000, pcm.size)
    )
    assert max(ahead) < 4_800 + 1_500


@pytest.mark.parametrize(("denoise", "latency"), [(LIGHT, 0.032), (FULL, 0.04)])
async def test_a_microphone_gives_what_is_asked_for(
    models: LoadedModels, denoise: str, latency: float
) -> None:
    pcm = sound(16_000)
    buffer = MicrophoneBuffer(16_000, asyncio.get_running_loop().time)
    async with clean_microphone(models, buffer, 16_000, denoise) as microphone:
        assert isinstance(microphone, CleanMicrophone)
        assert microphone.latency == pytest.approx(latency)
        await buffer.add(pcm)
        buffer.end()
        sizes, found = [], []
        while (part := await microphone.take(300)) is not None:
            sizes.append(part.size)
            found.append(part)
        assert set(sizes[:-1]) == {300} and await microphone.take(300) is None
    expected = await cleaned_in_parts(models, pcm, 16_000, pcm.size, denoise)
    assert np.array_equal(np.concatenate(found), expected)
    assert microphone.left_out == buffer.left_out and microphone.arrived == buffer.arrived


async def test_a_microphone_stays_as_it_is_unless_asked(models: LoadedModels) -> None:
    buffer = MicrophoneBuffer(16_000, asyncio.get_running_loop().time)
    async with clean_microphone(models, buffer, 16_000, OFF) as microphone:
        assert microphone is buffer and microphone.latency == 0
    assert all(models.denoiser(name).state != "loaded" for name in DENOISERS.values())


async def test_a_live_voice_is_cleaned_before_it_is_converted(models: LoadedModels) -> None:
    """The converter changes nothing, so what comes out is what the denoiser gave."""
    pcm = sound(24_000, 0.8)
    conversion = Conversion(
        models, "gain", VoiceChange(gate=GATE_OFF), 24_000, denoise=LIGHT, patience=30
    )
    found: list[Pcm] = []

    async def listen() -> None:
        async for item in conversion.output():
            if isinstance(item, np.ndarray):
                found.append(item)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(listen())
        await conversion.feed(pcm)
        conversion.end()
    heard = np.concatenate(found)
    assert heard.size == pcm.size
    assert conversion.timings.latency > 0.032
    expected = await cleaned_in_parts(models, pcm, 24_000, pcm.size)
    gain = float(heard.astype(float) @ expected) / float(expected.astype(float) @ expected)
    assert np.abs(heard - gain * expected)[2_400:].max() <= 2, "behind the fade at its start"
