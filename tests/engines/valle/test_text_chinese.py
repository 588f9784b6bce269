"""Chinese words with their tones, numbers as they are said, letters by their names."""

from __future__ import annotations

import pytest

from realtime.engines.valle.text_chinese import read


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("老师", "lɑʊ↓↑s`ɹ`→"),
        ("四次", "sɹ↓ tsʰɹ↓"),
        ("儿子", "əɹ`↑ts⁼ɹ"),
        ("怎么样", "ts⁼ən↓↑mə iɑŋ↓"),
        ("好，走", "xɑʊ↓↑, ts⁼oʊ↓↑"),
    ],
)
def test_syllables_and_tones(text: str, symbols: str) -> None:
    assert read(text).replace(" ", "") == symbols.replace(" ", "")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1999年", "一九九九年"),
        ("35.5元", "三十五点五元"),
        ("2500枚", "二千五百枚"),
        ("12:30", "十二点三十分"),
        ("5kg", "五公斤"),
    ],
)
def test_numbers_are_said(written: str, meant: str) -> None:
    assert read(written) == read(meant)


def test_letters_have_their_chinese_names() -> None:
    assert read("B") == "p⁼i↓"
