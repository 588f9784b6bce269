"""Requests: a field left open stays open in the change, and a character gives its pitch."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.audio.samples import Pcm
from realtime.characters import Character, Characters
from realtime.conversion.character_pitch import CharacterPitches
from realtime.conversion.request import (
    ResolvedChange,
    VoiceChangeRequest,
    VoiceChangeResolver,
)
from realtime.engines.voice_change import GATE_OFF, VoiceChange
from realtime.errors import BadRequest, NotFound
from realtime.settings import Settings

pytestmark = pytest.mark.anyio


async def no_sample(character: Character) -> tuple[Pcm, int]:
    raise AssertionError("no pitch was to be measured")


@pytest.fixture
def resolver(settings: Settings) -> VoiceChangeResolver:
    characters = Characters(settings.presets.path, settings.default_characters, ["hibari"])
    return VoiceChangeResolver(characters, CharacterPitches(no_sample))


async def test_nothing_asked_is_nothing_changed(resolver: VoiceChangeResolver) -> None:
    asked = await resolver.resolve(VoiceChangeRequest())
    assert asked == ResolvedChange("world", VoiceChange())


async def test_a_character_lends_its_pitch_unless_semitones_are_asked(
    resolver: VoiceChangeResolver,
) -> None:
    moved = (await resolver.resolve(VoiceChangeRequest(character="af_heart"))).change
    assert moved.target is not None and moved.pitch is None
    request = VoiceChangeRequest(character="af_heart", pitch=3.0)
    shifted = (await resolver.resolve(request)).change
    assert (shifted.target, shifted.pitch) == (None, 3.0)


async def test_everything_else_is_handed_on(resolver: VoiceChangeResolver) -> None:
    numbers = {"formant": 1.2, "breath": 0.5, "gate": -40.0}
    request = VoiceChangeRequest(
        "gain", effect="robot", model="nana", options=(("a", 1),), **numbers
    )
    change = VoiceChange(effect="robot", **numbers)
    expected = ResolvedChange("gain:nana", change, (("a", 1),))
    assert await resolver.resolve(request) == expected


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
    asked = await resolver.resolve(VoiceChangeRequest(engine="vocoder"))
    assert asked.change.gate == GATE_OFF
    gated = await resolver.resolve(VoiceChangeRequest(engine="vocoder", gate=-40.0))
    assert gated.change.gate == -40.0


CARD = """
engine: rvc
median_pitch: 220
voice: {file: nana.pth, key: 5, index_share: 0.5, speaker: 1}
"""


@pytest.fixture
def own(tmp_path: Path) -> VoiceChangeResolver:
    (tmp_path / "nana.yaml").write_text(CARD, encoding="utf-8")
    (tmp_path / "kyo.yaml").write_text(CARD.replace("key: 5, ", ""), encoding="utf-8")
    characters = Characters(tmp_path, {})
    return VoiceChangeResolver(characters, CharacterPitches(no_sample))


async def test_a_voice_of_a_converter_brings_its_model_its_key_and_its_options(
    own: VoiceChangeResolver,
) -> None:
    expected = ResolvedChange(
        "rvc:nana", VoiceChange(pitch=5.0), (("index_share", 0.5), ("speaker", 1))
    )
    assert await own.resolve(VoiceChangeRequest(character="nana")) == expected
    for same in ({"engine": "rvc"}, {"engine": "rvc:nana"}, {"engine": "rvc", "model": "nana"}):
        assert await own.resolve(VoiceChangeRequest(character="nana", **same)) == expected


async def test_a_request_wins_over_the_card(own: VoiceChangeResolver) -> None:
    request = VoiceChangeRequest(character="nana", pitch=-2.0, options=(("index_share", 0.0),))
    asked = await own.resolve(request)
    assert asked.change == VoiceChange(pitch=-2.0)
    assert asked.options == (("index_share", 0.0), ("speaker", 1))


async def test_without_a_key_speech_is_moved_to_the_voice(own: VoiceChangeResolver) -> None:
    asked = await own.resolve(VoiceChangeRequest(character="kyo"))
    assert asked.change == VoiceChange(target=220.0)


@pytest.mark.parametrize("wrong", [{"engine": "world"}, {"engine": "rvc", "model": "kyo"}])
async def test_another_engine_cannot_have_its_voice(
    own: VoiceChangeResolver, wrong: dict[str, str]
) -> None:
    with pytest.raises(BadRequest, match="'nana' is a voice of 'rvc:nana'"):
        await own.resolve(VoiceChangeRequest(character="nana", **wrong))
