"""Tones change with the word and its neighbours."""

from __future__ import annotations

import pytest

from realtime.engines.gpt_sovits.text import chinese_tones
from realtime.engines.gpt_sovits.text.chinese import readings
from realtime.engines.gpt_sovits.text.chinese_tones import (
    ChineseWord,
    join_for_sandhi,
    spoken_tones,
)


def spoken(text: str, tag: str = "n", suffixes: bool = True) -> str:
    return " ".join(spoken_tones(ChineseWord(text, tag), readings(text), suffixes))


@pytest.mark.parametrize(
    ("text", "tag", "syllables"),
    [
        ("不对", "d", "bu2 dui4"),
        ("不行", "d", "bu4 xing2"),
        ("看不懂", "v", "kan4 bu5 dong3"),
        ("一定", "d", "yi2 ding4"),
        ("一天", "m", "yi4 tian1"),
        ("第一", "m", "di4 yi1"),
        ("看一看", "v", "kan4 yi5 kan4"),
        ("奶奶", "n", "nai3 nai5"),
        ("我们", "r", "wo3 men5"),
        ("山上", "s", "shan1 shang5"),
        ("上来", "v", "shang4 lai5"),
        ("三个", "m", "san1 ge5"),
        ("学生", "n", "xue2 sheng5"),
        ("将军", "n", "jiang1 jun1"),
        ("老虎", "n", "lao2 hu3"),
        ("纸老虎", "n", "zhi3 lao2 hu3"),
        ("所有人", "n", "suo2 you3 ren2"),
        ("了", "ul", "le5"),
    ],
)
def test_tones_within_a_word(text: str, tag: str, syllables: str) -> None:
    assert spoken(text, tag) == syllables


def test_a_suffix_takes_the_tone_before_it_and_a_child_keeps_its_own() -> None:
    assert spoken("胡同儿") == "hu2 tong5 er5"
    assert spoken("一会儿", "m") == "yi2 hui4 er4"
    assert spoken("女儿") == "nv3 er2"
    assert spoken("胡同儿", suffixes=False) == "hu2 tong5 er2"


def test_words_are_joined_where_a_tone_depends_on_the_neighbour() -> None:
    def joined(*words: tuple[str, str]) -> list[str]:
        found = join_for_sandhi([ChineseWord(*word) for word in words], readings)
        return [word.text for word in found]

    assert joined(("不", "d"), ("怕", "v")) == ["不怕"]
    assert joined(("不", "d"), (",", "x")) == ["不", ","]
    assert joined(("听", "v"), ("一", "m"), ("听", "v")) == ["听一听"]
    assert joined(("一", "m"), ("本", "q")) == ["一本"]
    assert joined(("很", "d"), ("好", "a")) == ["很好"]
    assert joined(("小鸟", "n"), ("儿", "n")) == ["小鸟儿"]
    assert joined(("谢谢", "v"), ("谢谢", "v")) == ["谢谢谢谢"]


def test_the_list_of_neutral_words_is_gpt_sovits() -> None:
    assert len(chinese_tones._neutral_words()) == 420
    assert len(chinese_tones._never_neutral()) == 40
