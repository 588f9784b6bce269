"""English words as the model was taught them, and words that no dictionary has."""

from __future__ import annotations

import pytest

from realtime.engines.valle.text_english import read, spell_out


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("bottle", "ˈbɑtəɫ"),
        ("valley", "ˈvæli"),
        ("such charge", "sətʃ tʃɑɹdʒ"),
        ("Wait... what?", "weɪt… wət?"),
        ("It’s “fine”", "ɪts faɪn"),
        ("U.S. time", "ju ɛs. taɪm"),
        ("yes/no", "jɛs noʊ"),
        ("yes,no", "jɛs,noʊ"),
    ],
)
def test_words_and_signs(text: str, symbols: str) -> None:
    assert read(text) == symbols


def test_titles_numbers_and_signs_are_words() -> None:
    assert spell_out("Dr. Lee & Mrs. Fox: 5% of 1,250") == (
        "doctor lee  and  misess fox, five percent  of twelve fifty"
    )


def test_numbers_stand_apart_from_letters() -> None:
    assert spell_out("1.5kg at 30 km/h, an mp3, a 4x4, the 21st") == (
        "one point five kilograms at thirty kilometers per hour, an mp three, "
        "a four x four, the twenty-first"
    )


def test_an_unknown_word_is_read_by_the_english_reader() -> None:
    symbols = read("Zorbliff")
    assert symbols and "*" not in symbols and "z" in symbols and "f" in symbols


def test_hyphens_part_what_the_dictionary_does_not_join() -> None:
    assert read("ninety-nine").split() == [read("ninety"), read("nine")]


def test_accents_of_letters_are_dropped() -> None:
    assert read("café") == read("cafe")
