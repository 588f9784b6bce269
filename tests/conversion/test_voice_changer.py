"""Requests become conversions, live or of a recording."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from realtime.audio.samples import Pcm, from_pcm16
from realtime.conversion.request import VoiceChangeRequest
from realtime.engines.world import median_pitch
from realtime.errors import NotFound
from realtime.services import Services, build
from realtime.settings import Settings
from tests.support.fake_converters import Factor
from tests.support.fake_recogniser import real_services
from tests.support.server import services_with
from tests.support.spoken_sound import speech_of, with_silence_around
from tests.support.voice_like_sound import pcm, voice

pytestmark = pytest.mark.anyio


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    services = build(settings)
    yield services
    await services.close()


async def parts(sound: Pcm) -> AsyncIterator[Pcm]:
    for start in range(0, sound.size, 10_000):
        yield sound[start : start + 10_000]


async def test_a_recording_moves_to_a_character(services: Services) -> None:
    sound = pcm(voice(3.0, pitch=120.0))
    request = VoiceChangeRequest(character="af_heart")
    output = services.voice_changer.recording(request, parts(sound), 24000, 24000)
    found = np.concatenate([part async for part in output])
    target = services.characters.get("af_heart").median_pitch
    heard = median_pitch(from_pcm16(found[24000:]), 24000)
    assert found.size == sound.size and heard is not None and target is not None
    assert abs(12 * np.log2(heard / target)) < 1.0


async def test_a_character_without_a_pitch_in_its_card_is_measured(
    services: Services,
) -> None:
    character = services.characters.get("af_heart")
    assert character.median_pitch is not None
    pitch = await services.voice_changer._resolver._pitches.median_pitch(
        replace(character, median_pitch=None)
    )
    assert abs(12 * np.log2(pitch / character.median_pitch)) < 2.0


async def test_a_live_one_has_the_patience_of_the_voice_changer(services: Services) -> None:
    services.voice_changer.patience = 7.0
    request = VoiceChangeRequest(engine="gain")
    found = await services.voice_changer.live(request, 16000, None, lambda: None, lambda: 1.0)
    assert (found.patience, found.rate, found.output_rate) == (7.0, 16000, 16000)


async def test_an_unknown_character_is_refused(services: Services) -> None:
    with pytest.raises(NotFound):
        await services.voice_changer.live(
            VoiceChangeRequest(character="nobody", pitch=1.0),
            16000,
            None,
            lambda: None,
            lambda: 1.0,
        )


@pytest.mark.slow
async def test_a_recording_is_said_again_by_a_character(settings: Settings) -> None:
    services = real_services(settings)
    folder = settings.models.path
    sentence = speech_of(folder, "The morning was still and cold.", "am_puck", "kokoro")
    request = VoiceChangeRequest(engine="revoice", character="af_heart", language="en")
    output = services.voice_changer.recording(
        request, parts(with_silence_around(sentence)), 16000, 24000
    )
    found = np.concatenate([part async for part in output])
    await services.close()
    assert found.size >= 1.5 * sentence.size and np.abs(found).max() > 2_000
    loud = np.flatnonzero(np.abs(found) > 1_000)
    assert 0.3 < loud[0] / 24000 < 0.8, "where it was said"


async def test_options_reach_the_engine_in_a_file_and_live(settings: Settings) -> None:
    services = services_with(settings, extra=(Factor,))
    request = VoiceChangeRequest(engine="factor", gate=-90.0, options=(("factor", 0.5),))
    sound = pcm(voice(0.5))
    try:
        changed = services.voice_changer.recording(request, parts(sound), 24000, 24000)
        found = np.concatenate([part async for part in changed])
        np.testing.assert_allclose(found, sound / 2, atol=1)
        live = await services.voice_changer.live(request, 24000, None, lambda: None, lambda: 1.0)
        await live.feed(sound)
        live.end()
        heard = [item async for item in live.output() if isinstance(item, np.ndarray)]
        assert np.std(np.concatenate(heard)) / np.std(sound) == pytest.approx(0.5, abs=0.01)
    finally:
        await services.close()
