"""Tests of katakana: English words become what a Japanese speaker would write."""

from __future__ import annotations

import pytest

from realtime.text.katakana import of_english


@pytest.mark.parametrize(
    ("word", "kana"),
    [("knight", "ナイト"), ("dragon", "ドラガン"), ("sing", "シング"), ("tea", "ティー"), ("", "")],
)
def test_examples(word: str, kana: str) -> None:
    assert of_english(word) == kana


def test_every_word_gives_kana_only() -> None:
    for word in "strengths xylophone quartz rhythm jazz church vision thought mm".split():
        assert all("ァ" <= sign <= "ー" for sign in of_english(word)), word
