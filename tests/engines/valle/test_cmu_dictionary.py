"""The dictionary's entries with their stresses where the model learnt them."""

from __future__ import annotations

import pytest

from realtime.engines.valle.cmu_dictionary import pronounce, to_phonetic


@pytest.mark.parametrize(
    ("entry", "letters"),
    [
        ("k ae1 t", "kæt"),
        ("m ao1 r n ih0 ng", "ˈmɔrnɪŋ"),
        ("ah0 w ey1", "əˈweɪ"),
        ("p r iy0 p eh1 r", "priˈpɛr"),
        ("t w eh1 n t iy0", "tˈwɛnti"),
        ("ih0 k s p eh1 k t ih0 d", "ɪkˈspɛktɪd"),
        ("l ay1 b r eh2 r iy0", "ˈlaɪˌbrɛri"),
        ("k r iy0 ey1 t", "kriˈeɪt"),
        ("ah0 l ow1", "əˈloʊ"),
    ],
)
def test_stress_begins_its_syllable(entry: str, letters: str) -> None:
    assert to_phonetic(entry) == letters


def test_of_several_the_last_by_its_letters_is_taken() -> None:
    assert pronounce("that") == "ðət"
    assert pronounce("for") == "fər"


def test_an_unknown_word_is_none() -> None:
    assert pronounce("zorbliff") is None
