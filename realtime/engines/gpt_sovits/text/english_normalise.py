"""English text as the models learnt it: letters, blanks and the signs ' . , ? ! -, all in words.

The rules run in their order: a time is read before its colon becomes a pause.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from realtime.engines.gpt_sovits.text.cutting import shrink_signs
from realtime.engines.gpt_sovits.text.digits import plain_digits
from realtime.text import english
from realtime.text.english_numbers import cardinal, ordinal

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_TITLES = {
    "dr": "Doctor", "mr": "Mister", "mrs": "Missus", "ms": "Miz", "prof": "Professor",
    "capt": "Captain", "col": "Colonel", "gen": "General", "sgt": "Sergeant", "lt": "Lieutenant",
    "rev": "Reverend", "st": "Saint", "mt": "Mount", "gov": "Governor", "sen": "Senator",
}  # fmt: skip
_SHORT = {
    "vs": "versus", "etc": "et cetera", "jr": "junior", "sr": "senior", "ltd": "limited",
    "inc": "incorporated", "corp": "corporation", "dept": "department", "approx": "approximately",
    "ave": "avenue", "blvd": "boulevard", "i.e": "that is", "e.g": "for example",
}  # fmt: skip
_UNITS = {
    "km/h": "kilometers per hour", "mph": "miles per hour", "km": "kilometers", "cm": "centimeters",
    "mm": "millimeters", "kg": "kilograms", "mg": "milligrams", "ml": "milliliters",
    "min": "minutes", "ms": "milliseconds", "ft": "feet", "tbsp": "tablespoons", "tsp": "teaspoons",
    "°C": "degrees celsius", "°F": "degrees fahrenheit", "°": "degrees", "m": "meters",
    "h": "hours", "s": "seconds", "g": "grams", "L": "liters",
}  # fmt: skip
_CURRENCIES = {
    "$": ("dollar", "cent", "cents"), "£": ("pound", "penny", "pence"),
    "€": ("euro", "cent", "cents"),
}  # fmt: skip
_OPERATORS = {"+": "plus", "-": "minus", "×": "times", "÷": "divided by", "=": "equals"}
_SIGNS = str.maketrans(
    {
        "’": "'", "‘": "'", "“": "", "”": "", '"': "", "«": "", "»": "", "。": ".", "！": "!",
        "？": "?", "…": ".", "，": ",", "、": ",", "；": ",", "：": ",", ";": ",", ":": ",",
        "—": ",", "―": ",", "～": ",", "~": ",", "(": ",", ")": ",", "（": ",", "）": ",",
        "–": "-", "−": "-", "\n": ".", "&": " and ", "@": " at ", "%": " percent ", "+": " plus ",
        "=": " equals ", "/": " ", "_": " ", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l",
        "đ": "d", "ð": "th", "þ": "th", "Æ": "AE", "Œ": "OE", "Ø": "O", "Ł": "L",
    }
)  # fmt: skip
_HALF = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code).isalnum()},
    **str.maketrans({"\u00a0": " ", "’": "'", "‘": "'", "²": " squared", "³": " cubed"}),
}
_NUMBER = r"\d+(?:\.\d+)?"
_TERM = rf"(?:{_NUMBER}|\b[A-Za-z])"
_SUM = re.compile(rf"({_TERM})(?:\s+([+×÷=])\s+(?={_TERM}\b)|(?<=\d)\s+(-)\s+(?=\d))")


def _sum(match: re.Match[str]) -> str:
    return f"{match[1]} {_OPERATORS[match[2] or match[3]]} "


def _time(match: re.Match[str]) -> str:
    hour, minute, given = int(match[1]), match[2], match[3]
    half = (given or ("p" if hour >= 12 else "a"))[0].lower()
    said = cardinal(str((hour - 1) % 12 + 1))
    if minute == "00":
        said += "" if given else " o'clock"
    else:
        said += f" {'oh ' if minute[0] == '0' else ''}{cardinal(str(int(minute)))}"
    return f"{said} {half} m{_stop_after(match, given)}"


def _stop_after(match: re.Match[str], last: str | None) -> str:
    """Return a full stop where the stop of an abbreviation ended the sentence too."""
    following = match.string[match.end() :].lstrip()
    ends = last is not None and last.endswith(".") and (not following or following[0].isupper())
    return "." if ends else ""


def _money(match: re.Match[str]) -> str:
    sign, amount, scale = match["sign"], match["amount"], match["scale"]
    unit, one, several = _CURRENCIES[sign]
    if scale:
        return f"{amount} {scale} {unit}s"
    whole, _, decimals = amount.partition(".")
    pieces, cents = int(whole), int(decimals.ljust(2, "0")) if len(decimals) <= 2 else -1
    if cents < 0:
        return f"{amount} {unit}s"
    said = [f"{pieces} {unit}{'' if pieces == 1 else 's'}"] if pieces or not cents else []
    if cents:
        said.append(f"{cents} {one if cents == 1 else several}")
    return " and ".join(said)


def _measure(match: re.Match[str]) -> str:
    unit = _UNITS[match[2]]
    first, _, rest = unit.partition(" ")
    if match[1] == "1":
        first = "foot" if first == "feet" else first.removesuffix("s")
    return f"{match[1]} {first} {rest}".rstrip() + " "


def _fraction(match: re.Match[str]) -> str:
    top, bottom = int(match[1]), int(match[2])
    if bottom < 2:
        return f"{cardinal(match[1])} over {cardinal(match[2])}"
    share = "half" if bottom == 2 else ordinal(str(bottom))
    if top != 1:
        share = "halves" if bottom == 2 else share + "s"
    return f"{cardinal(str(top))} {share}"


def _decimal(match: re.Match[str]) -> str:
    whole, _, decimals = match[0].partition(".")
    words = [cardinal(digit) for digit in decimals]
    return " ".join([cardinal(whole) if whole else "zero", "point", *words])


def _whole(match: re.Match[str]) -> str:
    """Return a number's words; from 1001 to 2999 it is said in pairs, as a year is."""
    digits = match[0]
    if digits[0] == "0" and len(digits) > 1:
        return " ".join(cardinal(digit) for digit in digits)
    if len(digits) != 4 or not 1000 < int(digits) < 3000 or digits == "2000":
        return cardinal(digits)
    first, last = digits[:2], digits[2:]
    if last == "00":
        return f"{cardinal(first)} hundred"
    if digits.startswith("200"):
        return f"two thousand {cardinal(digits[3])}"
    return f"{cardinal(first)} {'oh ' if last[0] == '0' else ''}{cardinal(str(int(last)))}"


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    return ", ".join(" ".join(cardinal(digit) for digit in group) for group in groups)


def _shortened(match: re.Match[str]) -> str:
    word = match[1]
    said = _SHORT[word.lower()]
    return said + _stop_after(match, None if word.lower() in ("i.e", "e.g") else ".")


def _rule(pattern: str, said: Callable[[re.Match[str]], str], flags: int = 0) -> Rule:
    return re.compile(pattern, flags), said


_TITLE = "|".join(_TITLES)
_STREET = r"(?<=[A-Za-z]{3} )([Ss]t)\."
_ABBREVIATION = "|".join(map(re.escape, _SHORT))
_UNIT = "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))
RULES: Sequence[Rule] = (
    _rule(rf"\b({_TITLE})\.(?=\s*[A-Z])", lambda m: f"{_TITLES[m[1].lower()]} ", re.IGNORECASE),
    _rule(_STREET, lambda m: f"Street{_stop_after(m, m[0])}"),
    _rule(rf"\b({_ABBREVIATION})\.", _shortened, re.IGNORECASE),
    _rule(r"^\s*(\d{1,3})\. ", lambda m: f"{ordinal(m[1])}, "),
    _rule(r"(?<![\d-])(?:\d{3}-)?\d{3}-\d{4}(?![\d-])", _phone),
    _rule(
        rf"(?P<sign>[$£€])\s?(?P<amount>{_NUMBER})"
        r"(?:\s?(?P<scale>million|billion|trillion|thousand)\b)?",
        _money,
    ),
    _rule(rf"(?<![\d.])(?P<amount>{_NUMBER})\s?(?P<sign>[$£€])(?P<scale>)", _money),
    _rule(_SUM.pattern, _sum),
    _rule(
        r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])(?:\s?([ap]\.?m\b\.?))?", _time,
        re.IGNORECASE,
    ),
    _rule(r"(?<![\d:])(\d+):(\d+)(?![\d:])", lambda m: f"{m[1]} to {m[2]}"),
    _rule(rf"(?<![\d.])({_NUMBER}) ?({_UNIT})(?![A-Za-z])", _measure),
    _rule(r"(?<![\d/])(\d{1,9})/(\d{1,9})(?![\d/])", _fraction),
    _rule(r"(?<=\d)%", lambda m: " percent"),
    _rule(r"(?<=\d)(?!(?:st|nd|rd|th)\b)(?=[A-Za-z])|(?<=[A-Za-z])(?=\d)", lambda m: " "),
    _rule(rf"(?<![\d.-])({_NUMBER})-(?={_NUMBER}(?![\d-]))", lambda m: f"{m[1]} to "),
    _rule(r"(?:(?<=\s)|^)[-−](?=\.?\d)", lambda m: "negative "),
    _rule(r"(?<!\d)\d+(?:\.\d+){2,}",
          lambda m: " point ".join(cardinal(part) for part in m[0].split("."))),
    _rule(r"(?<!\d)\d*\.\d+", _decimal),
    _rule(r"(?<!\d)(\d+)(?:st|nd|rd|th)\b", lambda m: ordinal(m[1])),
    _rule(r"\d+", _whole),
)  # fmt: skip
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_DASH = re.compile(r"\s+-+\s+|--+")
_UNSPOKEN = re.compile(r"[^ A-Za-z'.,?!-]")
_STRAY = re.compile(r"(?<![A-Za-z])['-]+|['-]+(?![A-Za-z])")
_CAPITAL = re.compile(r"[-']*(?<=\S)(?=[A-Z])")
_BEFORE_SIGN = re.compile(r"\s+(?=[.,?!])")
_ABBREVIATED_STOPS = re.compile(r"\b(?:[A-Za-z]\.){2,}")
_BLANKS = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Write an English text in letters and signs; letters in capitals stand apart, as spelled."""
    text = plain_digits(unicodedata.normalize("NFC", text)).translate(_HALF)
    text = _GROUPED.sub("", english.prepare(text))
    for pattern, said in RULES:
        text = pattern.sub(said, text)
    text = _ABBREVIATED_STOPS.sub(_spelled, text)
    text = _drop_accents(_DASH.sub(", ", text).translate(_SIGNS))
    text = _STRAY.sub("", _UNSPOKEN.sub("", text))
    if not any(letter.islower() for letter in text) and len(re.findall("[A-Z]{2,}", text)) > 2:
        text = text.lower()  # all of it is in capitals: that is loud, not spelled
    text = _BLANKS.sub(" ", _CAPITAL.sub(" ", text)).strip()
    return shrink_signs(_BEFORE_SIGN.sub("", text)).lstrip(",")


def _spelled(match: re.Match[str]) -> str:
    """Write U.S. as letters without pauses between them."""
    letters = " ".join(match[0].rstrip(".").split("."))
    return letters + _stop_after(match, match[0])


def _drop_accents(text: str) -> str:
    apart = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
