"""The CMU dictionary gives the usual pronunciation first."""

from __future__ import annotations

from realtime.text.pronunciations import pronunciations


def test_the_usual_pronunciation_comes_first() -> None:
    assert pronunciations("hello")[0] == "hh ah0 l ow1"
    assert pronunciations("the")[0] == "dh ah0"
    assert len(pronunciations("read")) == 2


def test_an_unknown_word_has_none() -> None:
    assert pronunciations("blorptastic") == []
    assert pronunciations("") == []
