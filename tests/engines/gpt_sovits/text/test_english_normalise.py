"""English text is normalised as the reference does it, but for what it misreads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.english_normalise import normalise
from tests.support.gpt_sovits_texts import lines

# Our normalised text where it is not the reference's, and why.
DIFFERENCES = {
    "Dr. Brown and Mr. Lee walked home.": (
        "Doctor Brown and Mister Lee walked home.",
        "The reference reads Dr. as drive, and makes a pause of the stop behind a title.",
    ),
    "The library closes at 13:30.": (
        "The library closes at one thirty p m.",
        "The reference makes a pause of the stop inside p.m.",
    ),
    "e.g. the NASA API runs at 3/4 speed; A or a?": (
        "for example the N A S A A P I runs at three fourths speed, A or a?",
        "The reference deletes the semicolon without a pause.",
    ),
}


@pytest.mark.parametrize("line", lines("en"), ids=lambda line: line["text"])
def test_text_is_normalised_as_by_the_reference(line: dict[str, Any]) -> None:
    meant = DIFFERENCES.get(line["text"])
    assert normalise(line["text"]) == (meant[0] if meant else line["normal"])


@pytest.mark.parametrize("sign", list(";:，；："))
def test_every_pause_is_kept(sign: str) -> None:
    """GPT-SoVITS deletes these signs."""
    assert normalise(f"One{sign} two") == "One, two"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Dr. Who met Mrs. Lee.", "Doctor Who met Missus Lee."),
        ("He lives on Main St.", "He lives on Main Street."),
        ("In St. Louis", "In Saint Louis"),
        ("He said “go” — now", "He said go, now"),
        ("5 - 3 = 2", "five minus three equals two"),
        ("a + b = c", "a plus b equals c"),
        ("word - other", "word, other"),
        ("3-5 days", "three to five days"),
        ("555-123-4567", "five five five, one two three, four five six seven"),
        ("at 9:05", "at nine oh five a m"),
        ("at 0:30", "at twelve thirty a m"),
        ("3:30 p.m. Then", "three thirty p m. Then"),
        ("score 3:2", "score three to two"),
        ("$4.50", "four dollars and fifty cents"),
        ("$5 million", "five million dollars"),
        ("20€", "twenty euros"),
        ("£1.01", "one pound and one penny"),
        ("3.14", "three point one four"),
        ("v2.0.1", "v two point zero point one"),
        ("the U.S. is", "the U S is"),
        ("1. First", "first, First"),
        ("In 1999. Then", "In nineteen ninety-nine. Then"),
        ("2000, 2001, 2010, 1900, 1905",
         "two thousand, two thousand one, twenty ten, nineteen hundred, nineteen oh five"),
        ("1,234,567",
         "one million, two hundred thirty-four thousand, five hundred sixty-seven"),
        ("-5 degrees", "negative five degrees"),
        ("1/2 and 3/2", "one half and three halves"),
        ("21st", "twenty-first"),
        ("25°C", "twenty-five degrees celsius"),
        ("1 km", "one kilometer"),
        ("60km/h", "sixty kilometers per hour"),
        ("café naïve", "cafe naive"),
        ("don't 'quote' it", "don't quote it"),
        ("NASA", "N A S A"),
        ("HELLO WORLD AGAIN", "hello world again"),
        ("bob@example.com", "bob at example dot com"),
        ("Hello , world…", "Hello, world."),
    ],
)  # fmt: skip
def test_texts(text: str, normal: str) -> None:
    assert normalise(text) == normal


@given(st.text())
def test_only_letters_and_signs_are_left(text: str) -> None:
    assert set(normalise(text)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz '.,?!-"
    )


@given(st.text(alphabet="0123456789.,:-/$%+= apmkh°Cst", max_size=40))
def test_what_looks_like_a_number_is_read(text: str) -> None:
    normalise(text)
