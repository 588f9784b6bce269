"""A text in two loses nothing, and is cut where it does the least harm."""

from __future__ import annotations

import pytest

from realtime.text.language import Segment
from realtime.valle.cutting import halves


def cut(*texts: tuple[str, str]) -> list[list[tuple[str, str]]]:
    found = halves([Segment(text, language) for text, language in texts])
    assert found is not None
    return [[(part.text, part.language) for part in half] for half in found]


def test_between_sentences_before_clauses_before_words() -> None:
    assert cut(("One two, three. Four five six.", "en")) == [
        [("One two, three. ", "en")],
        [("Four five six.", "en")],
    ]
    assert cut(("One two three, four five six", "en"))[1] == [("four five six", "en")]
    assert cut(("one two three four", "en"))[1] == [("three four", "en")]
    assert cut(("一二三四", "zh")) == [[("一二", "zh")], [("三四", "zh")]]


def test_each_part_keeps_its_language() -> None:
    assert cut(("Hello. ", "en"), ("你好。", "zh")) == [[("Hello. ", "en")], [("你好。", "zh")]]


@pytest.mark.parametrize("text", ["a b", "One. Two, three; four! Five?", "x" * 99, "  . a"])
def test_nothing_is_lost(text: str) -> None:
    first, second = cut((text, "en"))
    assert "".join(part for part, _ in first + second) == text
    assert first and second


def test_a_single_sign_is_not_cut() -> None:
    assert halves([Segment("a", "en")]) is None
