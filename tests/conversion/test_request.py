"""Requests: a field left open stays open in the change, and a character gives its pitch."""

from __future__ import annotations

import pytest

from realtime.characters import Character, Characters
from realtime.conversion.character_pitch import CharacterPitches
from realtime.conversion.request import VoiceChangeRequest, VoiceChangeResolver
from realtime.engines.voice_change import GATE_OFF, VoiceChange
from realtime.errors import BadRequest, NotFound
from realtime.settings import Settings

pytestmark = pytest.mark.anyio


async def no_sample(character: Character) -> tuple[object, int]:
    raise AssertionError("no pitch was to be measured")


@pytest.fixture
def resolver(settings: Settings) -> VoiceChangeResolver:
    characters = Characters(settings.presets.path, settings.default_characters, ["hibari"])
    return VoiceChangeResolver(characters, CharacterPitches(no_sample))  # type: ignore[arg-type]


async def test_nothing_asked_is_nothing_changed(resolver: VoiceChangeResolver) -> None:
    assert await resolver.resolve(VoiceChangeRequest()) == VoiceChange()


async def test_a_character_lends_its_pitch_unless_semitones_are_asked(
    resolver: VoiceChangeResolver,
) -> None:
    moved = await resolver.resolve(VoiceChangeRequest(character="af_heart"))
    assert moved.target is not None and moved.pitch is None
    shifted = await resolver.resolve(VoiceChangeRequest(character="af_heart", pitch=3.0))
    assert (shifted.target, shifted.pitch) == (None, 3.0)


async def test_everything_else_is_handed_on(resolver: VoiceChangeResolver) -> None:
    request = VoiceChangeRequest(formant=1.2, breath=0.5, effect="robot", gate=-40.0)
    assert await resolver.resolve(request) == VoiceChange(
        formant=1.2, breath=0.5, effect="robot", gate=-40.0
    )


async def test_what_cannot_be_is_refused(resolver: VoiceChangeResolver) -> None:
    with pytest.raises(BadRequest, match="formant"):
        await resolver.resolve(VoiceChangeRequest(formant=9.0))
    with pytest.raises(NotFound):
        await resolver.resolve(VoiceChangeRequest(character="nobody", pitch=1.0))


@pytest.mark.parametrize("engine", ["revoice", "vocoder"])
async def test_engines_that_change_no_sound_refuse_what_would(engine: str) -> None:
    with pytest.raises(BadRequest, match=f"pitch, effect cannot be asked of '{engine}'") as refused:
        VoiceChangeRequest(engine=engine, pitch=0.0, effect="robot")
    assert refused.value.field == "pitch"


async def test_the_mel_is_that_of_the_recording_without_a_gate(
    resolver: VoiceChangeResolver,
) -> None:
    assert (await resolver.resolve(VoiceChangeRequest(engine="vocoder"))).gate == GATE_OFF
    gated = await resolver.resolve(VoiceChangeRequest(engine="vocoder", gate=-40.0))
    assert gated.gate == -40.0
