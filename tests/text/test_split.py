"""Tests of splitting: pieces cover the text, start short, stay bounded, however it came."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.text.normalise import clean, has_speech
from realtime.text.split import LONGEST_SECONDS, SLACK, Piece, Splitter, split, spoken_seconds

TAG = re.compile(r"\[(EN|ZH|JA)\]")
STORY = (
    "When the rain finally stopped, nobody in the village believed it. Dr. Smith, who had seen "
    "3.5 floods, laughed. “Wait until tomorrow,” she said. And so they waited, all night long, "
    "by the river, until the sun rose over the hills and the birds began to sing again. "
)
SCRIPTS = "abc, . ! ? あいう、。東京 你好，！\n「」() 12.5 [EN]"
TEXTS = st.text(st.sampled_from(SCRIPTS), max_size=400).map(clean)


def texts(pieces: list[Piece]) -> list[str]:
    return [piece.text for piece in pieces]


@given(TEXTS)
def test_pieces_cover_what_can_be_heard(text: str) -> None:
    pieces = split(text, "mix", 1.0)
    heard = [sign for piece in pieces for sign in piece.text if has_speech(sign)]
    assert heard == [sign for sign in TAG.sub("", text) if has_speech(sign)]
    assert all(has_speech(piece.text) for piece in pieces)


@given(TEXTS, st.lists(st.integers(1, 30), max_size=60))
def test_the_bits_do_not_change_the_pieces(text: str, sizes: list[int]) -> None:
    splitter = Splitter("mix", 1.0)
    pieces, place = [], 0
    for size in sizes:
        pieces += splitter.feed(text[place : place + size])
        place += size
    pieces += splitter.feed(text[place:])
    pieces += splitter.flush()
    assert texts(pieces) == texts(split(text, "mix", 1.0))


@pytest.mark.parametrize(
    "text", [STORY * 8, "東京は夜の七時。" * 200, "你好世界" * 500, "x" * 4000]
)
def test_pieces_start_short_and_stay_bounded(text: str) -> None:
    pieces = split(clean(text), "mix", 1.2)
    lengths = [spoken_seconds(piece.text) for piece in pieces]
    assert lengths[0] <= 1.2 * SLACK + 0.1
    assert max(lengths) <= LONGEST_SECONDS * SLACK + 0.1
    assert max(lengths[:-1]) > 3, "later pieces grow"


def test_a_short_line_is_one_piece() -> None:
    assert texts(split("Well, hello there.", "en", 1.2)) == ["Well, hello there."]


def test_starts_are_places_in_the_text() -> None:
    text = clean(STORY)
    for piece in split(text, "en", 1.2):
        assert text.startswith(piece.text, piece.start)


def test_pauses_follow_what_ends() -> None:
    pieces = split(
        "It was a long day. We walked on, slowly, into the dark.\nThen it rained.", "en", 1.0
    )
    by_end = {piece.text.rstrip()[-1]: piece.pause for piece in pieces[:-1]}
    assert by_end["."] > by_end.get(",", 0.12) > 0


def test_what_is_there_ends_as_it_is_written() -> None:
    for text, pause in (("It rained.", 0.3), ("It rained,", 0.12), ("It rained", 0.12)):
        splitter = Splitter("en", 9.0)
        assert not splitter.feed(text) and splitter.waiting == text
        assert [piece.pause for piece in splitter.flush()] == [pause]
        assert splitter.waiting == ""


def test_a_cut_between_words_makes_no_pause_and_cuts_no_word() -> None:
    text = "the quick brown fox jumps over the lazy dog and runs far away into the forest"
    pieces = split(text, "en", 1.0)
    assert pieces[0].pause == 0
    assert all(piece.text.endswith(" ") for piece in pieces[:-1])


def test_no_number_is_cut() -> None:
    pieces = split("It was exactly 3.14159 and then 1,234,567 more of them at 7:30 pm.", "en", 0.8)
    joined = "|".join(texts(pieces))
    assert "3.14159" in joined and "1,234,567" in joined and "7:30" in joined


def test_tags_are_never_spoken() -> None:
    pieces = split("[EN]Hello there, my old friend.[EN] [JA]東京、大阪。[JA]", "mix", 0.8)
    assert "[" not in "".join(texts(pieces))
    assert {part.language for piece in pieces for part in piece.segments} == {"en", "ja"}


ODD = {
    "digits": "1" * 10_000,
    "marks": ("a" + "\u0301\u0316" * 50) * 100,
    "one word": "x" * 4_000,
    "brackets": "(" * 10_000,
    "quotes": "「" * 5_000 + "a",
    "stops": " ." * 5_000,
    "scripts": "aあ一" * 1_500,
    "marks of direction": "\u202ea\u202c" * 3_000,
    "lines": "\n" * 9_000 + "a",
    "sentences": "Hi. " * 2_500,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_texts_take_linear_time(name: str) -> None:
    """Allow ten times the promised 50 ms a thousand characters: quadratic time takes more."""
    started = time.process_time()
    split(clean(ODD[name]), "mix", 1.2)
    assert time.process_time() - started < 0.5 * len(ODD[name]) / 1000


def test_clauses_are_cut_where_they_have_ended() -> None:
    splitter = Splitter("en", 5.0)
    assert texts(splitter.feed("Yes, of course. I think")) == []
    assert texts(splitter.clauses()) == ["Yes, of course. "]
    assert texts(splitter.clauses()) == []
    assert texts(splitter.feed(" so, or not.")) == []
    assert texts(splitter.clauses()) == ["I think so, or not."]
    assert splitter.flush() == []


def test_after_a_short_clause_a_slow_engine_gets_a_short_piece() -> None:
    def second(work: float) -> float:
        splitter = Splitter("en", 0.95, work)
        splitter.feed("It was a long, ")
        assert texts(splitter.clauses()) == ["It was a long, "]
        rest = "day and we walked on and on and on into the dark night of the northern woods"
        return spoken_seconds(splitter.feed(rest)[0].text)

    assert second(0.65) < second(0.05)
    assert second(0.65) * 0.65 < spoken_seconds("It was a long, ") + 0.2
