"""Korean numbers in words: Chinese-Korean ones, and native ones before what is counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_DIGITS = "영일이삼사오육칠팔구"
_PLACES = ("천", "백", "십", "")
_GROUPS = ("", "만", "억", "조")
_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_COUNTED = """개 명 살 시간 시 마리 번 권 대 잔 병 벌 송이 켤레 사람 장 그루 채 척 가지 군데 달 통
    줄 판 곳 그릇 조각""".split()
_UNITS = {
    "km/h": "킬로미터", "m/s": "미터 퍼 세컨드", "cm2": "제곱센티미터", "cm²": "제곱센티미터",
    "cm3": "세제곱센티미터", "cm³": "세제곱센티미터", "m2": "제곱미터", "m²": "제곱미터",
    "m3": "세제곱미터", "m³": "세제곱미터", "km": "킬로미터", "cm": "센티미터", "mm": "밀리미터",
    "kg": "킬로그램", "mg": "밀리그램", "ml": "밀리리터", "mL": "밀리리터", "db": "데시벨",
    "dB": "데시벨", "ms": "밀리초", "°C": "도", "℃": "도", "m": "미터", "s": "초", "%": "퍼센트",
}  # fmt: skip


def cardinal(digits: str) -> str:
    """Return a whole number in Chinese-Korean words: `12` is 십이; a long one digit by digit."""
    digits = digits.lstrip("0")
    if not digits:
        return _DIGITS[0]
    if len(digits) > 4 * len(_GROUPS):
        return one_by_one(digits)
    words = ""
    for group in range((len(digits) - 1) // 4, -1, -1):
        end = len(digits) - 4 * group
        part = _group(digits[max(0, end - 4) : end])
        # 10,000 is 만, not 일만.
        words += ("" if part == "일" and group == 1 and not words else part) + (
            _GROUPS[group] if part else ""
        )
    return words


def native(digits: str) -> str:
    """Return a number before a counted thing; from a hundred on it is Chinese-Korean."""
    value = int(digits) if len(digits) < 3 else 100
    if not 0 < value < 100:
        return cardinal(digits)
    return "스무" if value == 20 else _TENS[value // 10] + _ONES[value % 10]


def one_by_one(digits: str) -> str:
    """Return digits as they are dictated, with 공 for zero."""
    return "".join("공" if digit == "0" else _DIGITS[int(digit)] for digit in digits)


def say_numbers(text: str) -> str:
    """Write the numbers of a text and the units behind them in words; no digit is left."""
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return text


def _group(digits: str) -> str:
    words = ""
    for digit, place in zip(digits, _PLACES[-len(digits) :], strict=True):
        if digit != "0":
            words += ("" if digit == "1" and place else _DIGITS[int(digit)]) + place
    return words


def _time(match: re.Match[str]) -> str:
    minutes = f" {cardinal(match[2])} 분" if int(match[2]) else ""
    return f"{native(match[1]) if int(match[1]) else '영'} 시{minutes}"


def _decimal(match: re.Match[str]) -> str:
    decimals = "".join(_DIGITS[int(digit)] for digit in match[2])
    return f"{cardinal(match[1])} 점 {decimals}"


_RULES: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = (
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), lambda m: ""),
    (re.compile(r"(?<![\d-])0\d{1,2}-\d{3,4}-\d{4}(?!\d)"),
     lambda m: ", ".join(one_by_one(part) for part in m[0].split("-"))),
    (re.compile(r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])"), _time),
    (re.compile(r"(?<!\d)(\d+)\.(\d+)"), _decimal),
    (re.compile(rf"(?<!\d)(\d+)(?= ?(?:{'|'.join(_COUNTED)}))"), lambda m: native(m[1])),
    (re.compile(rf"(?<=[\d{_DIGITS}십]) ?({'|'.join(map(re.escape, _UNITS))})(?![A-Za-z])"),
     lambda m: " " + _UNITS[m[1]]),
    (re.compile(r"\d+"), lambda m: cardinal(m[0])),
)  # fmt: skip
