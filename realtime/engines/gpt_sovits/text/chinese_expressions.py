"""Dates, times, telephone numbers, units and sums of a Chinese text, in words.

Each rule is a pattern and what its match becomes. The order matters: a telephone number would else
be a subtraction, and a range's second number a negative one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from realtime.engines.gpt_sovits.text.chinese_numbers import cardinal, number, one_by_one

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_NUMBER = r"\d+(?:\.\d+)?"
# Longest first where one begins another. They follow a digit; no other Latin letters may follow.
UNITS = {
    "km/h": "千米每小时", "m/s": "米每秒", "cm2": "平方厘米", "cm²": "平方厘米", "cm3": "立方厘米",
    "cm³": "立方厘米", "m2": "平方米", "m²": "平方米", "m3": "立方米", "m³": "立方米",
    "km": "千米", "cm": "厘米", "mm": "毫米", "kg": "千克", "mg": "毫克", "ml": "毫升",
    "mL": "毫升", "db": "分贝", "dB": "分贝", "ms": "毫秒", "m": "米", "s": "秒", "°C": "度",
    "℃": "度",
}  # fmt: skip
_UNIT = "|".join(map(re.escape, sorted(UNITS, key=len, reverse=True)))
_CURRENCIES = {"¥": "元", "￥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_OPERATORS = {"+": "加", "-": "减", "×": "乘", "÷": "除", "=": "等于"}
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹ˣʸⁿ"
_OPERATOR = re.compile(rf"(?<=[\d.A-Za-z{_RAISED}])[-+×÷=]")
_POWERS = dict(zip(_RAISED, "0123456789xyn", strict=True))
# Counted things. Before them two is 两, and a number of three digits is not said digit by digit.
_COUNTED = "|".join(
    """千米 分米 厘米 毫米 微米 千克 毫克 微克 公里 公斤 公分 公顷 小时 分钟 个月 美元 欧元 英镑
    亿元 万元 千元 百元 平方米 平方千米 立方米 毫升 毫秒 分贝
    [个位名只条头匹张把座本页册封间家户所层幢栋棵朵颗粒株根枝支杯碗盘碟盆盒瓶罐桶袋包箱篮筐壶锅件套双对副
    幅群队批组班排辆艘架台部列节段片块面扇顶座篇首句字词行项条次回场趟遍顿步岁天年月日周季代秒分刻点时元角
    毛钱吨斤两克米尺寸丈里升斗亩度级人口手门课则笔枚发炮声眼堂堆道滴丝层股缕串束捆卷叠团轮届期倍种样类亿
    万千百]""".split()
)
_NOT_TWO = "月日"  # 2月 is 二月
_SCORED = re.compile(r"[胜赢败输负平克战]|比分|领先|落后|大比分")


def _date(match: re.Match[str]) -> str:
    year, month, day, mark = match.groups()
    said = one_by_one(year)
    if len(year) == 2 and not month and int(year) < 50:
        said = cardinal(year)  # 10年 is a length of time, 98年 a year
    said += "年"
    if month:
        said += f"{cardinal(month)}月"
    return said + (f"{cardinal(day)}{mark}" if day else "")


def _numeric_date(match: re.Match[str]) -> str:
    year, _, month, day = match.groups()
    return f"{one_by_one(year)}年{cardinal(month)}月{cardinal(day)}日"


def _time(hour: str, minute: str, second: str | None) -> str:
    said = f"{cardinal(hour)}点"
    if minute == "30" and not second:
        said += "半"
    elif minute != "00" or second:
        said += f"{_two_digits(minute)}分"
    return said + (f"{_two_digits(second)}秒" if second and second != "00" else "")


def _two_digits(digits: str) -> str:
    return cardinal(digits) if digits[0] != "0" or digits == "00" else "零" + cardinal(digits)


def _phone(match: re.Match[str]) -> str:
    return "，".join(one_by_one(part, one="幺") for part in re.findall(r"\d+", match[0]))


def _score_or_range(match: re.Match[str]) -> str:
    first, second = match[1], match[2]
    around = match.string[max(0, match.start() - 8) : match.end() + 4]
    whole = first.isdigit() and second.isdigit()
    if whole and (_SCORED.search(around) or float(first) >= float(second)):
        return f"{cardinal(first)}比{cardinal(second)}"
    return f"{number(first)}到{number(second)}"


def _sum(match: re.Match[str]) -> str:
    """Say a sum's signs; a minus between two numbers alone may be a score, so it stays."""
    after = match.string[match.end() :]
    if set(_OPERATOR.findall(match[0])) <= {"-"} and not after.startswith(("等于", "是多少")):
        return match[0]
    said = _OPERATOR.sub(lambda sign: _OPERATORS[sign[0]], match[0])
    return re.sub(r"\d*\.?\d+", lambda term: number(term[0]), said.replace("-", "负"))


def _power(match: re.Match[str]) -> str:
    power = "".join(_POWERS[sign] for sign in match[0])
    return f"的{cardinal(power) if power.isdigit() else power}次方"


def _counted(match: re.Match[str]) -> str:
    said = cardinal(match[1])
    if said == "二" and match[3] not in _NOT_TWO:
        said = "两"
    return said + match[2].replace("+", "多") + match[3]


def _grouped(match: re.Match[str]) -> str:
    """Write a number with commas in words, unless a later rule needs its digits."""
    digits = match[0].replace(",", "")
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:2]
    needed = before in "-~～/+×÷=¥￥$€£" and before or re.match(rf"[-~～/%+×÷=]|{_UNIT}", after)
    return digits if needed else number(digits)


def _rule(pattern: str, said: Callable[[re.Match[str]], str]) -> Rule:
    return re.compile(pattern), said


_CLOCK = r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?"
_TERM = rf"-?(?:\d+(?:\.\d+)?|\.\d+|[A-Za-z](?![A-Za-z]))[{_RAISED}]*"
RULES: Sequence[Rule] = (
    _rule(r"(?<=\d):(?=\d)|(?<=\d)：(?=\d)", lambda m: ":"),
    _rule(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])", _grouped),
    _rule(r"(\d{4}|\d{2})年(?:(0?[1-9]|1[0-2])月)?(?:(0?[1-9]|[12]\d|3[01])([日号]))?", _date),
    _rule(r"(?<!\d)(\d{4})([-/.])(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])(?!\d)", _numeric_date),
    _rule(
        rf"(?<![\d:]){_CLOCK}[-~～至到]{_CLOCK}(?![\d:])",
        lambda m: f"{_time(m[1], m[2], m[3])}至{_time(m[4], m[5], m[6])}",
    ),
    _rule(rf"(?<![\d:]){_CLOCK}(?![\d:])", lambda m: _time(m[1], m[2], m[3])),
    _rule(r"(?<![\d:])(\d+):(\d+)(?![\d:])", lambda m: f"{cardinal(m[1])}比{cardinal(m[2])}"),
    _rule(r"(?<![\d-])(?:\+?86-?)?1[3-9]\d(?:\d{8}|-\d{4}-\d{4})(?![\d-])", _phone),
    _rule(r"(?<![\d-])0(?:10|2\d|[3-9]\d{2})-?[1-9]\d{6,7}(?![\d-])", _phone),
    _rule(r"(?<![\d-])[48]00(?:-\d{3}-\d{4}|\d{7})(?!\d)", _phone),
    _rule(
        rf"[¥￥$€£]({_NUMBER})([万亿]?)", lambda m: f"{number(m[1])}{m[2]}{_CURRENCIES[m[0][0]]}"
    ),
    _rule(rf"(?<=\d)(?:{_UNIT})(?![A-Za-z])", lambda m: UNITS[m[0]]),
    _rule(r"(?<=[度米克升秒])[~～](?=-?\d)", lambda m: "至"),
    _rule(
        rf"(?<![\d.])-({_NUMBER})(?=(?:[~～至到]-?{_NUMBER})?(?:摄氏)?度)",
        lambda m: f"零下{number(m[1])}",
    ),
    _rule(rf"(?<![A-Za-z\d.+×÷=-]){_TERM}(?:[-+×÷=]{_TERM})+(?![A-Za-z\d])", _sum),
    _rule(f"[{_RAISED}]+", _power),
    _rule(
        r"(?<![\d/])(-?)(\d+)/(\d+)(?![\d/])",
        lambda m: f"{'负' if m[1] else ''}{cardinal(m[3])}分之{cardinal(m[2])}",
    ),
    _rule(
        rf"(?<![\d.])({_NUMBER})%?[-~～]({_NUMBER})%",
        lambda m: f"百分之{number(m[1])}到百分之{number(m[2])}",
    ),
    _rule(rf"(?<![\d.])(-?)({_NUMBER})%", lambda m: f"{'负' if m[1] else ''}百分之{number(m[2])}"),
    _rule(rf"(?<![\d.])(-?{_NUMBER})[~～](-?{_NUMBER})", lambda m: f"{m[1]}到{m[2]}"),
    _rule(rf"(?<![\d.-])({_NUMBER})-({_NUMBER})(?![\d.-])", _score_or_range),
    _rule(rf"(?<![\d.])-({_NUMBER})", lambda m: f"负{number(m[1])}"),
    _rule(r"(?<!\d)\d+(?:\.\d+){2,}", lambda m: "点".join(map(cardinal, m[0].split(".")))),
    _rule(r"(?<!\d)\d*\.\d+", lambda m: number(m[0])),
    _rule(rf"(?<!\d)(\d+)([多余几+]?)({_COUNTED})", _counted),
    _rule(r"\d{3,}", lambda m: one_by_one(m[0], one="幺")),
    _rule(r"\d+", lambda m: cardinal(m[0])),
)


def say_expressions(text: str) -> str:
    """Write what is made of digits in words; no digit is left."""
    for pattern, said in RULES:
        text = pattern.sub(said, text)
    return text
