"""Tests of languages: each part of a text has one, by tag or by script."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.text.language import LANGUAGES, resolve_language, segments, tagged_segments
from realtime.text.normalise import clean

TAG = re.compile(r"\[(EN|ZH|JA)\]")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello there.", "en"),
        ("你好，世界。", "zh"),
        ("こんにちは。", "ja"),
        ("東京へ行く。", "ja"),
        ("東京", "zh"),
        ("AIを使って新しい世界を作ります。", "ja"),
        ("我用iPhone给妈妈打了一个很长的电话。", "zh"),
        ("I love 東京 and 大阪 very much.", "mix"),
        ("Hello, 你好, good morning.", "mix"),
        ("[JA]東京[JA]", "ja"),
        ("[EN]Hello[EN][ZH]你好[ZH]", "mix"),
        ("これは日本語です。我们今天去北京参观故宫博物院。", "mix"),
        ("はい。了解。本当に、ありがとうございます。", "ja"),
        ("2024", "en"),
        ("", "en"),
    ],
)
def test_auto(text: str, language: str) -> None:
    assert resolve_language(text, "auto") == language


@pytest.mark.parametrize("language", ["en", "zh", "ja", "mix"])
def test_a_named_language_stays(language: str) -> None:
    assert resolve_language("こんにちは", language) == language


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Hello, 世界!", "mix", [("Hello, ", "en"), ("世界!", "zh")]),
        ("東京タワー", "mix", [("東京タワー", "ja")]),
        ("東京", "ja", [("東京", "ja")]),
        ("3本のペン", "ja", [("3本のペン", "ja")]),
        ("2024", "zh", [("2024", "zh")]),
        ("气温是5°C", "zh", [("气温是5°C", "zh")]),
        ("走了5km。", "zh", [("走了5km。", "zh")]),
        ("[JA]東京[JA] and [ZH]北京[ZH]", "mix", [("東京", "ja"), (" and ", "en"), ("北京", "zh")]),
        ("[EN]open", "mix", [("open", "en")]),
    ],
)
def test_segments(text: str, language: str, expected: list[tuple[str, str]]) -> None:
    assert [(part.text, part.language) for part in segments(text, language)] == expected


def test_a_tag_reaches_into_the_next_piece() -> None:
    first, tag = tagged_segments("[JA]東京、", "mix", None)
    second, rest = tagged_segments("大阪[JA]。", "mix", tag)
    assert [part.language for part in first + second][:2] == ["ja", "ja"]
    assert rest is None


def test_kanji_beside_kana_in_the_same_sentence_are_japanese() -> None:
    assert segments("東京、", "mix", "東京、大阪へ行く。")[0].language == "ja"
    assert segments("東京、", "mix", "東京、大阪。")[0].language == "zh"


@given(st.text(max_size=200), st.sampled_from([*LANGUAGES, "mix"]))
def test_segments_cover_the_text_without_its_tags(text: str, language: str) -> None:
    cleaned = clean(text)
    found = segments(cleaned, language)
    assert "".join(part.text for part in found) == TAG.sub("", cleaned)
    assert all(part.language in LANGUAGES for part in found)
