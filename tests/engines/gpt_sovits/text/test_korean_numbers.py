"""Korean numbers are Chinese-Korean, and native before what is counted."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.chinese_expressions import UNITS
from realtime.engines.gpt_sovits.text.korean_numbers import cardinal, native, say_numbers


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "영"),
        ("10", "십"),
        ("21", "이십일"),
        ("111", "백십일"),
        ("10000", "만"),
        ("11000", "만천"),
        ("2024", "이천이십사"),
        ("100000000", "일억"),
        ("123456789", "일억이천삼백사십오만육천칠백팔십구"),
    ],
)
def test_cardinals(digits: str, words: str) -> None:
    assert cardinal(digits) == words


def test_native_numbers() -> None:
    assert [native(digits) for digits in ("1", "2", "12", "20", "21", "99", "100", "0")] == [
        "한", "두", "열두", "스무", "스물한", "아흔아홉", "백", "영"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12개", "열두개"),
        ("3시 30분", "세시 삼십분"),
        ("13:05", "열세 시 오 분"),
        ("2024년 5월 3일", "이천이십사년 오월 삼일"),
        ("3.5%", "삼 점 오 퍼센트"),
        ("010-1234-5678", "공일공, 일이삼사, 오육칠팔"),
        ("10,000원", "만원"),
        ("5kg", "오 킬로그램"),
    ],
)
def test_numbers_in_a_text(text: str, said: str) -> None:
    assert say_numbers(text) == said


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_that_stays_with_its_number_is_read(unit: str) -> None:
    assert not re.search("[A-Za-z°]", say_numbers(f"5{unit}"))


@given(st.text(alphabet="0123456789.,:-% 개시분원kgm", max_size=40))
def test_no_digit_is_left(text: str) -> None:
    assert not re.search(r"\d", say_numbers(text))
