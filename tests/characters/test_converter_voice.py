"""Cards of voices of converters: what they say, what is refused, and whom they join."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.characters import Characters, ConverterVoice
from realtime.characters.converter_voice import ConverterCard, read_converter_voice
from realtime.characters.gpt_sovits_voice import BadVoiceCard

RVC = """
engine: rvc
median_pitch: 220
voice: {file: sub/nana.pth, key: 5, index_share: 0.5, speaker: 1, pitch_method: fcpe}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nana.yaml").write_text(RVC, encoding="utf-8")
    return tmp_path


def characters(folder: Path) -> Characters:
    return Characters(folder, {"en": "nana"}, ("kokoro", "tone"))


def test_a_card_is_a_character_that_does_not_speak(folder: Path) -> None:
    known = characters(folder)
    assert known.broken == {} and known.all() == []
    (nana,) = known.converter_voices()
    assert nana is known.get("nana") and nana.converts and nana.languages == ()
    assert (nana.engine, nana.model, nana.median_pitch) == ("rvc", "rvc:nana", 220)
    assert isinstance(nana.voice, ConverterVoice)
    assert nana.voice.card.key == 5
    assert dict(nana.voice.card.options) == {
        "index_share": 0.5,
        "speaker": 1,
        "pitch_method": "fcpe",
    }


@pytest.mark.parametrize(
    ("file", "model"),
    [("kyo", "kyo"), ("kyo/model_100.pt", "kyo"), ("set/kyo/model_100.pt", "kyo")],
)
def test_a_voice_of_ddsp_svc_is_named_by_its_folder(folder: Path, file: str, model: str) -> None:
    (folder / "kyo.yaml").write_text(f"engine: ddsp_svc\nvoice: {{file: {file}}}\n")
    assert characters(folder).get("kyo").model == f"ddsp_svc:{model}"


def test_whatever_a_card_says_of_the_voice_changes_its_digest(folder: Path) -> None:
    before = characters(folder).get("nana").digest
    (folder / "nana.yaml").write_text(RVC.replace("key: 5", "key: 6"), encoding="utf-8")
    assert characters(folder).get("nana").digest != before
    (folder / "nana.yaml").write_text(RVC + "description: A voice.\n", encoding="utf-8")
    assert characters(folder).get("nana").digest == before


@pytest.mark.parametrize("engine", ["", "engine: kokoro\n", "engine: world\n"])
def test_the_engine_must_be_one_that_has_such_voices(folder: Path, engine: str) -> None:
    (folder / "nana.yaml").write_text(f"{engine}voice: {{file: nana.pth}}\n", encoding="utf-8")
    known = characters(folder)
    assert "rvc or ddsp_svc" in known.broken["nana.yaml"] and known.converter_voices() == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"file": "../nana.pth"}, "within the engine's models"),
        ({"file": "/nana.pth"}, "within the engine's models"),
        ({"file": "a\\b.pth"}, "within the engine's models"),
        ({"file": "a\n.pth"}, "within the engine's models"),
        ({"file": ""}, "within the engine's models"),
        ({"file": "a" * 201}, "within the engine's models"),
        ({"file": 5}, "within the engine's models"),
        ({"file": "a", "key": 25}, "semitones from -24 to 24"),
        ({"file": "a", "key": True}, "semitones from -24 to 24"),
        ({"file": "a", "key": float("nan")}, "semitones from -24 to 24"),
        ({"file": "a", "speaker": [1]}, "a number, a text, true or false"),
        ({"file": "a", "speaker": "a" * 101}, "a number, a text, true or false"),
        ({"file": "a", "not a name": 1}, "a number, a text, true or false"),
        ({"file": "a", 5: 1}, "a number, a text, true or false"),
        ({"file": "a", **{f"o{n}": n for n in range(33)}}, "more than 32"),
    ],
)
def test_what_a_voice_cannot_be(value: dict[object, object], told: str) -> None:
    with pytest.raises(BadVoiceCard, match=told):
        read_converter_voice(value)


def test_options_have_one_order() -> None:
    first = read_converter_voice({"file": "a", "b": 1, "a": 2})
    assert first == read_converter_voice({"a": 2, "b": 1, "file": "a"})
    assert first == ConverterCard("a", None, (("a", 2), ("b", 1)))
