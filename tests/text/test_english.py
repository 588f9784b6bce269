"""Tests of reading English: numbers, money, units, abbreviations and addresses."""

from __future__ import annotations

import pytest

from realtime.text.english import is_homograph, read


def phonemes_of(text: str) -> str:
    return "".join(sound.phonemes for sound in read(text)).strip()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$9.99", "nine dollars and ninety nine cents"),
        ("20°C", "twenty degrees Celsius"),
        ("5 km", "five kilometers"),
        ("50%", "fifty percent"),
        ("Dr. Smith", "Doctor Smith"),
        ("bob@example.com", "bob at example dot com"),
        ("https://example.com/a", "example dot com slash a"),
        ("1,250", "one thousand two hundred fifty"),
        ("´¹ of ①", "one of one"),
    ],
)
def test_written_and_meant_sound_alike(written: str, meant: str) -> None:
    def bare(text: str) -> str:
        return "".join(sign for sign in phonemes_of(text) if sign not in "ˈˌ ")

    assert bare(written) == bare(meant)


@pytest.mark.parametrize("word", ["house", "closes", "read", "Records", "used", "wind"])
def test_words_that_are_said_in_two_ways(word: str) -> None:
    assert is_homograph(word)


@pytest.mark.parametrize("word", ["the", "that", "have", "library", "blorptastic", ""])
def test_words_that_are_said_in_one_way(word: str) -> None:
    assert not is_homograph(word)
