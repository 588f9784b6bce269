"""The dictionary's entries with their stresses where the model learnt them."""

from __future__ import annotations

import pytest

from realtime.engines.valle.cmu_dictionary import phonetic, pronounced


@pytest.mark.parametrize(
    ("entry", "said"),
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
def test_stress_begins_its_syllable(entry: str, said: str) -> None:
    assert phonetic(entry) == said


def test_of_several_the_last_by_its_letters_is_taken() -> None:
    assert pronounced("that") == "ðət"
    assert pronounced("for") == "fər"


def test_an_unknown_word_is_none() -> None:
    assert pronounced("zorbliff") is None
