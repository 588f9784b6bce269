"""A character's pitch: as its card says, else measured once for all who ask."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.characters import Character, Characters
from realtime.conversion.character_pitch import CharacterPitches
from realtime.errors import Unavailable
from realtime.settings import Settings
from tests.support.voice_like_sound import RATE, pcm, voice

pytestmark = pytest.mark.anyio


class CountingSpeaker:
    """A speaker of a fixed sound that counts how often it was asked."""

    def __init__(self, sound: Pcm) -> None:
        self.sound = sound
        self.asked = 0

    async def speak(self, character: Character) -> tuple[Pcm, int]:
        self.asked += 1
        await asyncio.sleep(0)
        return self.sound, RATE


@pytest.fixture
def character(settings: Settings) -> Character:
    return Characters(settings.presets.path, settings.default_characters).get("af_heart")


async def test_what_a_card_says_is_not_measured(character: Character) -> None:
    speaker = CountingSpeaker(pcm(voice(1.0)))
    assert await CharacterPitches(speaker.speak).median_pitch(character) == character.median_pitch
    assert speaker.asked == 0


async def test_it_is_measured_once_for_all(character: Character) -> None:
    unmeasured = replace(character, median_pitch=None)
    speaker = CountingSpeaker(pcm(voice(2.0, 170.0)))
    pitches = CharacterPitches(speaker.speak)
    found = await asyncio.gather(*(pitches.median_pitch(unmeasured) for _ in range(5)))
    assert set(found) == {await pitches.median_pitch(replace(unmeasured, name="again"))}
    assert found[0] == pytest.approx(170.0, rel=0.08)
    assert speaker.asked == 1


async def test_a_silent_character_is_told_and_tried_again(character: Character) -> None:
    unmeasured = replace(character, median_pitch=None)
    speaker = CountingSpeaker(np.zeros(RATE, np.int16))
    pitches = CharacterPitches(speaker.speak)
    with pytest.raises(Unavailable, match="'af_heart' cannot be measured"):
        await pitches.median_pitch(unmeasured)
    speaker.sound = pcm(voice(1.0))
    assert await pitches.median_pitch(unmeasured) > 100


async def test_who_leaves_takes_the_measurement_from_nobody(character: Character) -> None:
    unmeasured = replace(character, median_pitch=None)
    speaker = CountingSpeaker(pcm(voice(1.0)))
    pitches = CharacterPitches(speaker.speak)
    leaving = asyncio.create_task(pitches.median_pitch(unmeasured))
    await asyncio.sleep(0)
    staying = asyncio.create_task(pitches.median_pitch(unmeasured))
    leaving.cancel()
    assert await staying > 100
    assert speaker.asked == 1


def test_everybody_who_is_shipped_is_measured(settings: Settings) -> None:
    characters = Characters(settings.presets.path, settings.default_characters)
    assert all(character.median_pitch for character in characters.all())
