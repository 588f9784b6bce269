"""Tests of boundaries: where a reader would breathe, never inside a number or a name."""

from __future__ import annotations

import pytest

from realtime.text.boundaries import INNER, boundaries


def cuts(text: str, final: bool = True) -> list[str]:
    """Cut a text at each boundary; a letter tells the kind of part that ends there."""
    found, before = [], 0
    for boundary in boundaries(text, final):
        found.append(text[before : boundary.place] + boundary.kind[0])
        before = boundary.place
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two? Three!", ["One. s", "Two? s", "Three!s"]),
        ("One, two; three.", ["One, c", "two; c", "three.s"]),
        ("你好，世界。再见！", ["你好，c", "世界。s", "再见！s"]),
        ("はい、そうです。では。", ["はい、c", "そうです。s", "では。s"]),
        ("one\ntwo", ["one\np"]),
        ("Really?! Yes...", ["Really?! s", "Yes...s"]),
        ('He said "no." Then left.', ['He said "no." s', "Then left.s"]),
    ],
)
def test_where_things_end(text: str, expected: list[str]) -> None:
    assert cuts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "3.14 apples",
        "1,000,000 stars",
        "at 7:30 today",
        "Dr. Smith and Mr. Jones",
        "the U.S. army",
        "J. K. Rowling writes",
        "see https://example.com/a,b?c=1.2;d now",
        "mail bob.smith@example.com now",
        "e.g. this",
        "No. 5 is alive",
        "v1.2.3 is out",
    ],
)
def test_where_nothing_ends(text: str) -> None:
    assert cuts(text) == []


def test_what_ends_within_a_quote_is_marked() -> None:
    kinds = [b.kind for b in boundaries("「はい。そうです。」と言った。", final=True)]
    assert kinds[0] == INNER and kinds[-1] != INNER


def test_an_unclosed_quote_does_not_swallow_the_text() -> None:
    text = "「" + "長い。" * 100
    assert any(boundary.kind != INNER for boundary in boundaries(text, final=True))


def test_an_unfinished_end_is_not_decided() -> None:
    assert cuts("It costs 3.", final=False) == []
    assert cuts("It costs 3.", final=True) == ["It costs 3.s"]
