"""The voice that clients chose is one of the characters, the one most like what they named."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.characters import Character, Characters, GptSovitsVoice
from realtime.web.compat.gpt_sovits.chosen import ChosenVoice, find_clip
from tests.support.character_files import DEFAULTS
from tests.support.gpt_sovits_voices import bring_character, settings_in


@pytest.fixture
def characters(tmp_path: Path) -> list[Character]:
    settings = settings_in(tmp_path)
    for name, pitch in (("ann", 200.0), ("kyo", 140.0)):
        bring_character(settings, name, name, pitch)
    return Characters(settings.presets.path, DEFAULTS).all()


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        (ChosenVoice(), None),
        (ChosenVoice(gpt="kyo/kyo-e15.ckpt"), "kyo"),
        (ChosenVoice(sovits="kyo/kyo_e8.pth.safetensors"), "kyo"),
        (ChosenVoice(gpt="other.ckpt"), "ann"),
        (ChosenVoice(gpt="kyo/kyo-e15.ckpt", character="ann"), "ann"),
        (ChosenVoice(character="gone"), "ann"),
    ],
)
def test_the_character_is_the_one_most_like_it(
    characters: list[Character], chosen: ChosenVoice, name: str | None
) -> None:
    found = chosen.find(characters)
    assert (found and found.name) == name
    assert chosen.find([]) is None


def test_the_model_has_the_chosen_files(characters: list[Character]) -> None:
    voice = characters[0].voice
    assert isinstance(voice, GptSovitsVoice)
    card = voice.card
    assert ChosenVoice(character="ann").model(card) is None
    assert ChosenVoice(gpt="a/kyo.ckpt").model(card) == "gpt_sovits:kyo+ann_e8"
    assert ChosenVoice(gpt="kyo.ckpt", sovits="kyo.pth").model(card) == "gpt_sovits:kyo"


def test_a_clip_is_known_by_its_content(characters: list[Character]) -> None:
    voice = characters[0].voice
    assert isinstance(voice, GptSovitsVoice)
    folder = voice.found["ann.wav"].path.parent
    assert find_clip((folder / "kyo.wav").read_bytes(), characters) == ("kyo", "")
    assert find_clip(b"another", characters) is None
