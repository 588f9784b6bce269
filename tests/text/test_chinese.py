"""Tests of reading Chinese: numbers, money, dates and units."""

from __future__ import annotations

import pytest

from realtime.text.chinese import numbers_in_words, parts_of_word, read, tag_words


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024年3月5日", "二零二四年三月五日"),
        ("3.14", "三点一四"),
        ("50%", "百分之五十"),
        ("¥99.5", "九十九点五元"),
        ("13800138000", "一三八零零一三八零零零"),
        ("1,250元", "一千二百五十元"),
        ("下午3:30", "下午三点三十分"),
        ("-3.5°C", "零下三点五摄氏度"),
        ("5km的路", "五公里的路"),
        ("007", "零零七"),
    ],
)
def test_numbers_in_words(written: str, meant: str) -> None:
    assert numbers_in_words(written) == meant


@pytest.mark.slow
def test_characters_without_a_reading_do_not_silence_their_neighbours() -> None:
    found = "".join(sound.phonemes for sound in read("你々好"))
    assert "ni" in found and "xau" in found


def test_words_keep_their_text() -> None:
    assert [sound.text for sound in read("我有3本书。")][-1] == "。"
    assert "".join(sound.text for sound in read("你好，世界。")) == "你好，世界。"


def test_words_have_their_part_of_speech() -> None:
    assert tag_words("我喜欢北京。") == [("我", "r"), ("喜欢", "v"), ("北京", "ns"), ("。", "x")]
    assert tag_words("") == []


def test_a_long_word_has_the_words_in_it() -> None:
    assert parts_of_word("纸老虎") == ["老虎", "纸老虎"]
