"""English numbers in words: cardinals, ordinals, years, money and times of day."""

from __future__ import annotations

import re

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = ". . twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ("", " thousand", " million", " billion", " trillion")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
LONGEST = 3 * len(_SCALES)  # digits; a longer number is said digit by digit

_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MONEY = re.compile(r"([$£€])(\d+)(?:\.(\d{2})(?!\d))?(?:\.(?=\D|$))?")
_CLOCK = re.compile(r"(?<![\d:])(\d{1,2}):([0-5]\d)(?![\d:])")
_DECIMAL = re.compile(r"(\d+)\.(\d+)")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)\b")
_NUMBER = re.compile(r"\d+")
_UNITS = {"$": ("dollar", "cent"), "£": ("pound", "pence"), "€": ("euro", "cent")}


def spell_numbers(text: str) -> str:
    """Write all numbers of a text in words; no digit is left."""
    text = _GROUPED.sub("", text)
    text = _MONEY.sub(_money, text)
    text = _CLOCK.sub(_clock, text)
    text = _DECIMAL.sub(lambda match: f"{match[1]} point {' '.join(match[2])}", text)
    text = _ORDINAL.sub(lambda match: ordinal(match[1]), text)
    return _NUMBER.sub(lambda match: _year_or_number(match[0]), text)


def cardinal(digits: str) -> str:
    """Return a number's words, with a comma between its thousands."""
    if len(digits) > LONGEST:
        return _digit_by_digit(digits)
    number, parts = int(digits), list[str]()
    for scale in _SCALES:
        number, rest = divmod(number, 1000)
        if rest:
            parts.insert(0, _hundreds(rest) + scale)
    return ", ".join(parts) or _SMALL[0]


def ordinal(digits: str) -> str:
    """Return the words of an ordinal: `21` is `twenty-first`."""
    words = cardinal(digits)
    begin = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[begin:]
    if last.endswith("y"):
        return f"{words[:begin]}{last[:-1]}ieth"
    return words[:begin] + _ORDINALS.get(last, last + "th")


def _year_or_number(digits: str) -> str:
    """Return a number's words; those between 1000 and 3000 are said as years are."""
    if len(digits) > 1 and digits[0] == "0":
        return _digit_by_digit(digits)
    if len(digits) != 4 or not 1000 < int(digits) < 3000 or 2000 <= int(digits) < 2010:
        return cardinal(digits)
    century, year = digits[:2], digits[2:]
    if year == "00":
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if year[0] == '0' else ''}{cardinal(year)}"


def _hundreds(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{_SMALL[hundreds]} hundred"] if hundreds else []
    if rest:
        tens, ones = divmod(rest, 10)
        small = _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")
        words.append(small if rest >= len(_SMALL) else _SMALL[rest])
    return " ".join(words)


def _digit_by_digit(digits: str) -> str:
    return " ".join(_SMALL[int(digit)] for digit in digits)


def _money(match: re.Match[str]) -> str:
    unit, part = _UNITS[match[1]]
    whole, cents = match[2], int(match[3] or 0)
    amount = f"{whole} {unit}{'' if int(whole) == 1 else 's'}"
    # The full stop that ends the sentence was matched too.
    end = "." if match[0].endswith(".") else ""
    small = f"{cents} {part}{'' if cents == 1 or part == 'pence' else 's'}"
    if not cents:
        return amount + end
    return (f"{amount}, {small}" if int(whole) else small) + end


def _clock(match: re.Match[str]) -> str:
    hours, minutes = str(int(match[1])), match[2]
    if minutes == "00":
        return f"{cardinal(hours)} o'clock" if int(hours) < 13 else f"{cardinal(hours)} hundred"
    return f"{cardinal(hours)} {'oh ' if minutes[0] == '0' else ''}{cardinal(str(int(minutes)))}"
