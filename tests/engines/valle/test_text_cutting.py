"""A text is cut in two at the best place, and all of it is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.valle.text_cutting import cut_beginning, cut_in_half
from realtime.text.language import Segment

LEAST = 3


def make_parts(*texts: tuple[str, str]) -> tuple[list[Segment], list[int]]:
    return [Segment(text, language) for text, language in texts], [len(text) for text, _ in texts]


def cut(*texts: tuple[str, str]) -> list[list[tuple[str, str]]]:
    halves = cut_in_half(*make_parts(*texts), LEAST)
    assert halves is not None
    return [[(part.text, part.language) for part in half] for half in halves]


def first(text: str, wanted: float, language: str = "en", least: int = LEAST) -> str | None:
    pieces = cut_beginning(*make_parts((text, language)), wanted, least)
    if pieces is None:
        return None
    assert "".join(part.text for piece in pieces for part in piece) == text
    return "".join(part.text for part in pieces[0])


def test_between_sentences_before_clauses_before_words() -> None:
    assert cut(("One two, three. Four five six.", "en")) == [
        [("One two, three. ", "en")],
        [("Four five six.", "en")],
    ]
    assert cut(("One two three, four five six", "en"))[1] == [("four five six", "en")]
    assert cut(("one two three four", "en"))[1] == [("three four", "en")]
    assert cut(("一二三四五六", "zh")) == [[("一二三", "zh")], [("四五六", "zh")]]


def test_an_end_far_from_the_middle_is_not_worth_a_tiny_piece() -> None:
    assert cut(("Oh, one two three four five six", "en"))[0] == [("Oh, one two three ", "en")]
    assert cut(("A. bbbbbbbbbbbbbbbbbbbbb ccccccccccccc", "en"))[1] == [("ccccccccccccc", "en")]


def test_each_part_keeps_its_language() -> None:
    assert cut(("Hello. ", "en"), ("你好。", "zh")) == [[("Hello. ", "en")], [("你好。", "zh")]]


@pytest.mark.parametrize("text", ["a b", "One. Two, three; four! Five?", "x" * 99, "  . a", "12"])
def test_nothing_is_lost(text: str) -> None:
    first, second = cut((text, "en"))
    assert "".join(part for part, _ in first + second) == text
    assert first and second


def test_a_single_character_is_not_cut() -> None:
    assert cut_in_half(*make_parts(("a", "en")), LEAST) is None


def test_a_beginning_ends_near_what_is_wanted_or_not_at_all() -> None:
    assert first("One two, three four five six seven", 12) == "One two, "
    assert first("One two three four five six seven", 12) == "One two three "
    assert first("Bread for the sea and the town", 13) == "Bread for the sea "
    assert first("Incomprehensibilities abound", 8) is None
    assert first("Hello, you.", 8, least=6) is None


def test_words_that_are_not_spaced_are_cut_between_characters() -> None:
    assert first("今日は天気がいいから散歩しよう", 6, "ja") == "今日は天気が"
    assert first("你昨天说过的那本书我已经看完了", 6, "zh") == "你昨天说过的"
    # Neither a number nor a long sound is taken apart.
    assert first("一二三四12345六七八九十", 12, "zh") not in ("一二三四1", "一二三四12")
    assert first("コーヒーーーーーーーーーーー", 4, "ja") is None


TEXTS = st.text(st.sampled_from("ab , .1234一二三の的っーア\n"), min_size=2, max_size=60)


@given(TEXTS, st.integers(1, 40), st.integers(4, 40))
def test_whatever_is_cut_all_of_it_is_there(text: str, least: int, wanted: int) -> None:
    parts = [Segment(text, "zh")]
    for pieces in (
        cut_in_half(parts, [3 * len(text)], least),
        cut_beginning(parts, [3 * len(text)], wanted, least),
    ):
        if pieces is not None:
            before, after = ("".join(part.text for part in piece) for piece in pieces)
            assert before + after == text and before and after


@given(st.integers(4, 200), st.integers(1, 40), st.integers(4, 40))
def test_neither_half_is_tiny(characters: int, least: int, wanted: int) -> None:
    parts, counts = [Segment("一" * characters, "zh")], [2 * characters]
    possible = min(least, characters - 1)
    halves = cut_in_half(parts, counts, possible)
    assert halves is not None and min(map(_count_symbols, halves)) >= possible
    pieces = cut_beginning(parts, counts, wanted, least)
    assert pieces is None or min(map(_count_symbols, pieces)) >= least


def _count_symbols(parts: tuple[Segment, ...]) -> int:
    return 2 * sum(len(part.text) for part in parts)
