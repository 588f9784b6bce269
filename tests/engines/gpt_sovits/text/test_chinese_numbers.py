"""Chinese numbers are said as people say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.chinese_numbers import cardinal, number, one_by_one


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "零"),
        ("000", "零"),
        ("7", "七"),
        ("10", "十"),
        ("12", "十二"),
        ("20", "二十"),
        ("101", "一百零一"),
        ("110", "一百一十"),
        ("1010", "一千零一十"),
        ("10200", "一万零二百"),
        ("105000", "十万五千"),
        ("100000001", "一亿零一"),
        ("120003400", "一亿二千万三千四百"),
        ("255211800004644", "二百五十五万二千一百一十八亿零四千六百四十四"),
        ("10000000000000000", "一" + "零" * 16),
    ],
)
def test_cardinals(digits: str, words: str) -> None:
    assert cardinal(digits) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [("3.5", "三点五"), (".5", "零点五"), ("3.20", "三点二零"), ("2.00", "二点零"), ("8", "八")],
)
def test_decimals(text: str, words: str) -> None:
    assert number(text) == words


def test_a_dictated_one_has_a_name_of_its_own() -> None:
    assert one_by_one("101") == "一零一"
    assert one_by_one("101", one="幺") == "幺零幺"


@given(st.integers(0, 10**16 - 1))
def test_a_cardinal_can_be_read_back(value: int) -> None:
    import cn2an

    assert cn2an.cn2an(cardinal(str(value)), "smart") == value
