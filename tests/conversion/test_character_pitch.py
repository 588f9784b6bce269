"""A character's pitch: as its card says, else measured once for everybody who asks."""

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


class Voice:
    """Speaks when asked, and counts."""

    def __init__(self, sound: Pcm) -> None:
        self.sound = sound
        self.asked = 0

    async def spoken(self, character: Character) -> tuple[Pcm, int]:
        self.asked += 1
        await asyncio.sleep(0)
        return self.sound, RATE


@pytest.fixture
def character(settings: Settings) -> Character:
    return Characters(settings.presets.path, settings.default_characters).get("af_heart")


async def test_what_a_card_says_is_not_measured(character: Character) -> None:
    voice_ = Voice(pcm(voice(1.0)))
    assert await CharacterPitches(voice_.spoken).of(character) == character.median_pitch
    assert voice_.asked == 0


async def test_it_is_measured_once_for_all(character: Character) -> None:
    unmeasured = replace(character, median_pitch=None)
    voice_ = Voice(pcm(voice(2.0, 170.0)))
    pitches = CharacterPitches(voice_.spoken)
    found = await asyncio.gather(*(pitches.of(unmeasured) for _ in range(5)))
    assert set(found) == {await pitches.of(replace(unmeasured, name="again"))}
    assert found[0] == pytest.approx(170.0, rel=0.08)
    assert voice_.asked == 1


async def test_a_silent_character_is_told_and_tried_again(character: Character) -> None:
    unmeasured = replace(character, median_pitch=None)
    voice_ = Voice(np.zeros(RATE, np.int16))
    pitches = CharacterPitches(voice_.spoken)
    with pytest.raises(Unavailable, match="'af_heart' cannot be measured"):
        await pitches.of(unmeasured)
    voice_.sound = pcm(voice(1.0))
    assert await pitches.of(unmeasured) > 100


async def test_who_leaves_takes_the_measurement_from_nobody(character: Character) -> None:
    unmeasured = replace(character, median_pitch=None)
    voice_ = Voice(pcm(voice(1.0)))
    pitches = CharacterPitches(voice_.spoken)
    leaving = asyncio.create_task(pitches.of(unmeasured))
    await asyncio.sleep(0)
    staying = asyncio.create_task(pitches.of(unmeasured))
    leaving.cancel()
    assert await staying > 100
    assert voice_.asked == 1


def test_everybody_who_is_shipped_is_measured(settings: Settings) -> None:
    cast = Characters(settings.presets.path, settings.default_characters)
    assert all(character.median_pitch for character in cast.all())
