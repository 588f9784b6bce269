"""Tests of names: only harmless ones pass, and each has one form."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.characters.names import checked_name, valid_name
from realtime.errors import BadRequest

LETTERS = st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo", "Nd"])
GOOD = ["a", "Y'shtola-Finetuned", "af_heart", "Dr. No", "山びこ", "김", "x" * 64, "q.v", "7"]
BAD = [
    *("", " ", "..", ".", "a..b", " a", "a ", ".a", "a.", "x" * 65, "a/b", "a\\b", "../a", "a\0"),
    *("a\n", "a\ud800", "a:b", "a*", "a?", 'a"', "a<", "a|", "e\u0301\u0301", "\u202ea", "😀", "~"),
    *("%2e%2e", "a%", "a\u00a0b", "a\u200db", "\uff0e\uff0e/", "x" * 10_000, "½"),
]


@pytest.mark.parametrize("name", GOOD)
def test_names_of_every_script_are_good(name: str) -> None:
    assert valid_name(name)
    assert checked_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("name", BAD)
def test_what_a_file_system_or_a_reader_could_misread_is_refused(name: str) -> None:
    assert not valid_name(name)
    with pytest.raises(BadRequest) as refused:
        checked_name(name)
    assert refused.value.code == "bad_character_name"
    assert refused.value.message.isascii() and len(refused.value.message) < 1_000


@pytest.mark.parametrize("name", [None, 3, b"ann", ["ann"]])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(BadRequest, match="cannot be a character's name"):
        checked_name(name)


@given(st.text(max_size=80))
def test_a_valid_name_is_safe_on_every_file_system(name: str) -> None:
    if valid_name(name):
        kept = checked_name(name)
        assert 0 < len(kept) <= 64
        assert not set(kept) & set('/\\\0:*?"<>|%~$') and kept.isprintable()
        assert ".." not in kept and kept.strip(" .") == kept
        assert checked_name(kept) == kept
        kept.encode("utf-8")


@given(st.text(LETTERS, min_size=1, max_size=20))
def test_letters_and_digits_always_pass_and_have_one_form(name: str) -> None:
    composed = unicodedata.normalize("NFC", name)
    # A few letters fall apart into a letter and a mark when they are composed.
    if not any(unicodedata.category(letter).startswith("M") for letter in composed):
        assert valid_name(name)
        decomposed = unicodedata.normalize("NFD", name)
        assert checked_name(decomposed) == checked_name(name)
