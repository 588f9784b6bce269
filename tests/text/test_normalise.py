"""Tests of cleaning: it gives one form, bounds runs of marks, and never fails."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.text.normalise import MOST_MARKS, Cleaner, clean, has_speech

ANY = st.text(st.characters(exclude_categories=()), max_size=300)


@given(ANY)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(ANY)
def test_nothing_invisible_is_left(text: str) -> None:
    found = clean(text)
    assert found == found.strip()
    assert unicodedata.is_normalized("NFC", found)
    for sign in found:
        assert sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    assert "  " not in found and "\n\n" not in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ１２３％", "ABC123%"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("cafe\u0301", "café"),
        ("a\u202eb\u200bc\ufeff", "abc"),
        ("a\0b\ud800c", "a b c"),
        ("  one \t two \r\n\r\n three ", "one two\nthree"),
        ("你好，世界！", "你好，世界！"),
        ("￥99", "¥99"),
        ("\u0663\u1041\U0001d7d8", "310"),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_marks_are_bounded() -> None:
    found = clean("a" + "\u0316\u0301" * 10_000)
    assert len(unicodedata.normalize("NFD", found)) <= 1 + MOST_MARKS


@pytest.mark.parametrize("text", ["", "...", "😀🎉", "！？。", "---", "「」", "♪～", "ー"])
def test_nothing_to_say(text: str) -> None:
    assert not has_speech(clean(text))


@pytest.mark.parametrize("text", ["a", "7", "は", "你", "é", "😀a", "々"])
def test_something_to_say(text: str) -> None:
    assert has_speech(clean(text))


BITS = st.lists(
    st.text(
        st.one_of(
            st.characters(exclude_categories=()),
            st.sampled_from(" \n\tabe\u0301\u0316\u200b\r\uff76\uff9e\u1112\u1161\u11abか\u3099Ａ"),
        ),
        max_size=8,
    ),
    max_size=30,
)


@given(BITS)
def test_the_bits_do_not_change_the_clean_text(bits: list[str]) -> None:
    cleaner = Cleaner()
    found = "".join([cleaner.feed(bit) for bit in bits]) + cleaner.flush()
    assert found == clean("".join(bits))


@given(st.lists(st.text(" \nab,.", max_size=6), max_size=20))
def test_what_is_asked_for_meanwhile_changes_nothing_where_nothing_joins(bits: list[str]) -> None:
    cleaner = Cleaner()
    found = "".join([cleaner.feed(bit) + cleaner.flush() for bit in bits])
    assert found == clean("".join(bits))


def test_what_may_still_change_is_held_back() -> None:
    cleaner = Cleaner()
    assert cleaner.feed("caf") == "ca"
    assert cleaner.feed("e") == "f"
    assert cleaner.feed("\u0301 ") == ""
    assert cleaner.feed("b") == "é "
    assert cleaner.flush() == "b"
