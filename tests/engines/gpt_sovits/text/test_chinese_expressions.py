"""Dates, times, telephone numbers, scores, units and sums are said in words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.chinese_expressions import say_expressions


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2024年8月21日", "二零二四年八月二十一日"),
        ("2024-08-21", "二零二四年八月二十一日"),
        ("10年前", "十年前"),
        ("98年", "九八年"),
        ("2月2日", "二月二日"),
        ("14:05", "十四点零五分"),
        ("3:30", "三点半"),
        ("10:00", "十点"),
        ("8:30:15", "八点三十分十五秒"),
        ("-3°C", "零下三度"),
        ("-3°C~5°C", "零下三度至五度"),
        ("5kg", "五千克"),
        ("60km/h", "六十千米每小时"),
        ("￥100", "一百元"),
        ("$5.5", "五点五美元"),
        ("3/4", "四分之三"),
        ("60%", "百分之六十"),
        ("3-5%", "百分之三到百分之五"),
        ("13800138000", "幺三八零零幺三八零零零"),
        ("400-123-4567", "四零零，幺二三，四五六七"),
        ("-10", "负十"),
        ("2.0.1", "二点零点一"),
        ("2个", "两个"),
        ("12个", "十二个"),
        ("2500枚", "二千五百枚"),
        ("007", "零零七"),
        ("100+200=300", "一百加二百等于三百"),
        ("x²", "x的二次方"),
    ],
)
def test_expressions(written: str, said: str) -> None:
    assert say_expressions(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("010-12345678", "零幺零，幺二三四五六七八"),  # read with 减 by GPT-SoVITS
        ("18:30-20:15", "十八点半至二十点十五分"),  # 二十点半 by GPT-SoVITS
        ("1,234元", "一千二百三十四元"),  # 一，二百三十四元 by GPT-SoVITS
        ("1,000-2,000元", "一千到二千元"),
        ("3-2", "三比二"),  # 三减二 by GPT-SoVITS
        ("比分2-3", "比分二比三"),
        ("3-5个", "三到五个"),
        ("1.5-2.5米", "一点五到二点五米"),
        ("5-3=2", "五减三等于二"),
        ("10-3等于7", "十减三等于七"),
    ],
)
def test_what_gpt_sovits_misreads(written: str, said: str) -> None:
    assert say_expressions(written) == said


@given(st.text(alphabet="0123456789.,:-~/%+=年月日元个kgC°x²", max_size=40))
def test_no_digit_is_left(text: str) -> None:
    assert not re.search(r"\d", say_expressions(text))


@pytest.mark.parametrize("part", ["1", "1,", "1.", "1-", "1~", "1:", "a+", "1/", "1%", "年1"])
def test_a_long_text_is_read(part: str) -> None:
    assert say_expressions(part * 5000)
