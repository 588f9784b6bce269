"""English numbers as people say them."""

from __future__ import annotations

import pytest

from realtime.text.english_numbers import cardinal, ordinal, spell_numbers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "zero"),
        ("13", "thirteen"),
        ("45", "forty-five"),
        ("600", "six hundred"),
        ("2,500", "twenty-five hundred"),
        ("1999", "nineteen ninety-nine"),
        ("1905", "nineteen oh five"),
        ("1000", "one thousand"),
        ("2005", "two thousand, five"),
        ("1,234,567", "one million, two hundred thirty-four thousand, five hundred sixty-seven"),
        ("3.14", "three point 1 4".replace("1 4", "one four")),
        ("007", "zero zero seven"),
        ("$4.50", "four dollars, fifty cents"),
        ("$1", "one dollar"),
        ("£0.99", "ninety-nine pence"),
        ("It costs $5.", "It costs five dollars."),
        ("3rd", "third"),
        ("21st", "twenty-first"),
        ("30th", "thirtieth"),
        ("9:05", "nine oh five"),
        ("12:00", "twelve o'clock"),
        ("no digits", "no digits"),
    ],
)
def test_numbers_become_words(text: str, words: str) -> None:
    assert spell_numbers(text) == words


def test_no_digit_is_left() -> None:
    text = "1.2.3 $1.234 99:99 1,2,3 4th5 " + "9" * 40
    assert not any(sign.isdigit() for sign in spell_numbers(text))


def test_more_than_trillions_are_said_digit_by_digit() -> None:
    assert cardinal("9" * 16) == " ".join(["nine"] * 16)
    assert ordinal("12") == "twelfth"
