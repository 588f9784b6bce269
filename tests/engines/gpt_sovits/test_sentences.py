"""A piece of text becomes sentences that a model has room for."""

from __future__ import annotations

import pytest

from realtime.engines.gpt_sovits.sentence import SentenceReader
from realtime.engines.gpt_sovits.sentences import MOST_PHONES, read_sentences
from realtime.text.language import Segment

JAPANESE = "今日はいい天気ですね。散歩に行きましょう。"


def read(text: str, language: str, method: str = "cut0") -> list[str]:
    found = read_sentences([Segment(text, language)], None, method, SentenceReader())
    assert all(sentence.phones for sentence in found)
    return [sentence.said for sentence in found]


def test_a_piece_is_one_sentence_unless_it_is_asked_otherwise() -> None:
    assert read(JAPANESE, "ja") == [JAPANESE]
    assert read(JAPANESE, "ja", "cut5") == ["今日はいい天気ですね。", "散歩に行きましょう。"]


@pytest.mark.parametrize("text", ["好", "好，我们走吧", "Hello there"])
def test_signs_that_cutting_adds_are_not_said(text: str) -> None:
    language = "en" if text.isascii() else "zh"
    assert read(text, language) == [text]


def test_a_long_text_is_cut_also_where_it_has_no_signs() -> None:
    found = read_sentences([Segment("とても長い文" * 80, "ja")], None, "cut0", SentenceReader())
    assert len(found) > 1
    assert max(len(sentence.phones) for sentence in found) <= MOST_PHONES
    assert "".join(sentence.said for sentence in found) == "とても長い文" * 80


def test_languages_of_one_sentence_stay_together() -> None:
    segments = [Segment("我们说", "zh"), Segment("hello", "en"), Segment("。", "zh")]
    (sentence,) = read_sentences(segments, None, "cut0", SentenceReader())
    assert [part.language for part in sentence.parts] == ["zh", "en"]
    assert sentence.said == "我们说hello。"


def test_an_accent_reads_all() -> None:
    segments = [Segment("我们说", "zh"), Segment("hello", "en")]
    (sentence,) = read_sentences(segments, "zh", "cut0", SentenceReader())
    assert sentence.parts[0].language == "zh"


def test_signs_alone_are_nothing() -> None:
    assert read_sentences([Segment("。。。", "ja")], None, "cut0", SentenceReader()) == []
