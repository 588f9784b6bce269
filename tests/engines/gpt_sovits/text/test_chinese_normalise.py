"""Chinese text is normalised as the reference does it, but for what it misreads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.chinese_normalise import normalise
from realtime.engines.gpt_sovits.text.symbols import PUNCTUATION
from tests.support.gpt_sovits_texts import lines

DIFFERENCES = {
    "图书馆十分钟后关门，电话是010-12345678。": (
        "图书馆十分钟后关门,电话是零幺零,幺二三四五六七八.",
        "The reference subtracts the number from its area code.",
    ),
}


@pytest.mark.parametrize("line", lines("zh"), ids=lambda line: line["text"])
def test_text_is_normalised_as_by_the_reference(line: dict[str, Any]) -> None:
    meant = DIFFERENCES.get(line["text"])
    assert normalise(line["text"]) == (meant[0] if meant else line["normal"])


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("這個問題沒有說", "这个问题没有说"),
        ("２００３年，ＯＫ", "二零零三年,OK"),
        ("二〇二四", "二零二四"),
        ("①和π", "一和派"),
        ("你好-再见", "你好,再见"),
        ("和/或", "和,或"),
        ("100元/月", "一百元每月"),
        ("电话 138 0013 8000", "电话幺三八,零零幺三,八零零零"),
        ("《书》（好）【看】", "书好看"),
    ],
)
def test_signs_and_old_characters(text: str, normal: str) -> None:
    assert normalise(text) == normal


def test_latin_letters_stay_with_the_spaces_between_their_words() -> None:
    assert normalise("他说 hello world 了") == "他说hello world了"
    assert normalise("他说“it’s ok”吗？") == "他说it's ok吗?"


@given(st.text())
def test_only_characters_letters_and_six_signs_are_left(text: str) -> None:
    for sign in normalise(text):
        assert "\u4e00" <= sign <= "\u9fa5" or sign in PUNCTUATION + " '" or sign.isascii()
        assert not sign.isdigit()
