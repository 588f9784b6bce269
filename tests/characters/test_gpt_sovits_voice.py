"""Cards of characters whose weights people trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.characters import Characters, GptSovitsVoice
from realtime.characters.gpt_sovits_voice import model_name
from realtime.errors import NotFound
from tests.support.character_files import DEFAULTS, save_card

CARD = """
engine: gpt_sovits
voice:
  gpt: nana/nana-e15.ckpt
  sovits: nana/nana_e8.pth
  reference: nana.wav
  text: 今日はいい天気ですね。
  language: ja
  more: [second.flac]
  styles: {angry: {reference: angry.wav, text: なんだと。, language: ja}}
  top_k: 5
  temperature: 0.8
  speed: 1.1
"""


def read(
    folder: Path, card: str = CARD, clips: str = "nana.wav second.flac angry.wav"
) -> Characters:
    for clip in clips.split():
        (folder / clip).write_bytes(clip.encode())
    save_card(folder, "nana", card)
    return Characters(folder, DEFAULTS)


def test_a_card_names_weights_and_clips(tmp_path: Path) -> None:
    character = read(tmp_path).get("nana")
    voice = character.voice
    assert isinstance(voice, GptSovitsVoice)
    assert character.engine == "gpt_sovits" and character.model == "gpt_sovits:nana-e15+nana_e8"
    assert (character.language, character.native, character.speed) == ("ja", ("ja",), 1.1)
    assert voice.card.numbers["top_k"] == 5 and voice.card.numbers["temperature"] == 0.8
    assert voice.spoken("angry").reference == "angry.wav"
    assert set(voice.found) == {"nana.wav", "second.flac", "angry.wav"}


def test_clips_alone_are_no_characters(tmp_path: Path) -> None:
    assert [each.name for each in read(tmp_path).all()] == ["nana"]


def test_another_clip_is_another_voice(tmp_path: Path) -> None:
    before = read(tmp_path).get("nana").digest
    (tmp_path / "angry.wav").write_bytes(b"another")
    assert Characters(tmp_path, DEFAULTS).get("nana").digest != before


def test_another_number_is_another_voice(tmp_path: Path) -> None:
    before = read(tmp_path).get("nana").digest
    assert read(tmp_path, CARD.replace("top_k: 5", "top_k: 6")).get("nana").digest != before


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("nana/nana-e15.ckpt", "../nana-e15.ckpt", "a file that ends with .ckpt"),
        ("nana/nana-e15.ckpt", "/etc/passwd", "a file that ends with .ckpt"),
        ("nana/nana_e8.pth", "nana/nana_e8.exe", "a file that ends with .pth"),
        ("reference: nana.wav", "reference: sub/nana.wav", "a file beside this one"),
        ("reference: nana.wav", "reference: gone.wav", "there is no such file"),
        ("  reference: nana.wav\n", "", "it needs reference"),
        ("language: ja\n  more", "more", "text needs its language"),
        ("top_k: 5", "top_k: 0", "a whole number from 1 to 1025"),
        ("top_k: 5", "top_q: 5", "no key of it"),
        ("temperature: 0.8", "temperature: hot", "a number from 0.01 to 5"),
        ("second.flac]", "second.txt]", "a file that ends with .wav"),
        ("{reference: angry.wav", "{text: x, other: angry.wav", "a style has a reference"),
        ("engine: gpt_sovits", "engine: kokoro", "its voice is one for 'gpt_sovits'"),
    ],
)
def test_a_wrong_card_says_what_is_expected(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert old in CARD
    characters = read(tmp_path, CARD.replace(old, new, 1))
    with pytest.raises(NotFound, match=r"cannot be used") as caught:
        characters.get("nana")
    assert reason in str(caught.value)


def test_an_empty_clip_is_refused(tmp_path: Path) -> None:
    characters = read(tmp_path)
    (tmp_path / "nana.wav").write_bytes(b"")
    with pytest.raises(NotFound, match="it is empty"):
        characters.get("nana")


def test_a_pair_is_named_by_its_files() -> None:
    assert model_name("a/nana.ckpt", "b/nana.pth") == "nana"
    assert (
        model_name("nana-e15.ckpt.safetensors", "b/nana_e8.pth.safetensors") == "nana-e15+nana_e8"
    )
