"""Voices of IndexTTS: the key `voice` of a card, and characters made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.characters import Characters, IndexTtsVoice
from realtime.characters.gpt_sovits_voice import BadVoiceCard
from realtime.characters.indextts_voice import EMOTIONS, read_emotions, read_indextts_voice
from tests.support.indextts_environment import write_character, write_clip


def test_a_clip_alone_is_enough() -> None:
    card = read_indextts_voice({"reference": "yuki.wav"})
    assert (card.reference, card.emotion_clip, card.emotion) == ("yuki.wav", "", ())
    assert card.clips == ("yuki.wav",)


def test_an_emotion_is_a_clip_a_name_or_weights() -> None:
    clip = read_indextts_voice({"reference": "yuki.wav", "emotion": "sad.flac"})
    assert clip.clips == ("yuki.wav", "sad.flac") and not clip.emotion
    named = read_indextts_voice({"reference": "yuki.wav", "emotion": "sad"})
    assert dict(zip(EMOTIONS, named.emotion, strict=True))["sad"] == 0.8
    weights = {"calm": 0.2, "happy": 0.5}
    weighted = read_indextts_voice({"reference": "yuki.wav", "emotion": weights})
    assert weighted.emotion == (0.5, 0, 0, 0, 0, 0, 0, 0.2)


def test_emotions_of_a_text() -> None:
    assert read_emotions("") == () == read_emotions("sad:0")
    assert read_emotions("happy:0.5, calm:0.2") == (0.5, 0, 0, 0, 0, 0, 0, 0.2)
    for text in ("merry", "sad:2", "sad,sad", "sad:0.6,calm:0.6", "sad=1"):
        with pytest.raises(BadVoiceCard):
            read_emotions(text)


@pytest.mark.parametrize(
    ("voice", "told"),
    [
        ({"reference": "../yuki.wav"}, "reference is"),
        ({"reference": "yuki.txt"}, "ends with .wav"),
        ({"reference": "yuki.wav", "emotions": 1}, "is no key of it"),
        ({"reference": "yuki.wav", "emotion": {"merry": 1}}, "weights of happy"),
        ({"reference": "yuki.wav", "emotion": {"sad": 0.7, "calm": 0.7}}, "more than 1"),
        ({"reference": "yuki.wav", "top_k": 0}, "a whole number from 1"),
        ({"reference": "yuki.wav", "temperature": True}, "a number from 0.01"),
    ],
)
def test_a_wrong_card_is_refused(voice: dict[str, object], told: str) -> None:
    with pytest.raises(BadVoiceCard, match=told):
        read_indextts_voice(voice)


def test_a_character_has_its_clip_beside_its_card(tmp_path: Path) -> None:
    write_character(tmp_path, "yuki", "sad.wav", ", top_k: 20")
    write_clip(tmp_path / "sad.wav", 1)
    found = Characters(tmp_path, {}).get("yuki")
    assert isinstance(found.voice, IndexTtsVoice)
    assert (found.engine, found.model, found.converts) == ("indextts", "indextts", False)
    assert found.languages == ("en", "zh", "ja")
    assert found.voice.found["yuki.wav"].path == tmp_path / "yuki.wav"


def test_the_digest_covers_the_card_and_each_clip(tmp_path: Path) -> None:
    def digest() -> str:
        return Characters(tmp_path, {}).get("yuki").digest

    write_character(tmp_path, "yuki", "sad.wav")
    write_clip(tmp_path / "sad.wav", 1)
    found = [digest()]
    write_clip(tmp_path / "sad.wav", 2)
    found.append(digest())
    write_clip(tmp_path / "yuki.wav", 3)
    found.append(digest())
    write_character(tmp_path, "yuki", "sad")
    found.append(digest())
    assert len(set(found)) == 4


def test_a_missing_clip_and_another_engine_are_told(tmp_path: Path) -> None:
    write_character(tmp_path, "yuki", "sad.wav")
    (tmp_path / "kyo.yaml").write_text("engine: kokoro\nvoice: {reference: yuki.wav}\n")
    broken = Characters(tmp_path, {}).broken
    assert "reference 'sad.wav': there is no such file" in broken["yuki.yaml"]
    assert "its voice is one for 'indextts'" in broken["kyo.yaml"]
