"""Chinese numbers in words: cardinals, decimals, and digits one by one."""

from __future__ import annotations

DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_PLACES = ("千", "百", "十", "")  # of the four digits of a group
_GROUPS = ("", "万", "亿", "万亿")
LONGEST = 4 * len(_GROUPS)  # digits; a longer number is said digit by digit


def one_by_one(digits: str, one: str = "一") -> str:
    """Return digits as they are dictated; in telephone numbers a one is said 幺."""
    return "".join(one if digit == "1" else DIGITS[digit] for digit in digits)


def cardinal(digits: str) -> str:
    """Return the words of a whole number: `1010` is 一千零一十, `12` is 十二."""
    digits = digits.lstrip("0")
    if len(digits) > LONGEST:
        return one_by_one(digits)
    words, skipped = "", False
    for group in range((len(digits) - 1) // 4, -1, -1):
        end = len(digits) - 4 * group
        part = _group(digits[max(0, end - 4) : end], bool(words), skipped)
        # 万亿 is written once: 亿 alone closes the two groups above it.
        scale = "万" if group == 3 else _GROUPS[group]
        words += part + (scale if part or (group == 2 and words) else "")
        skipped = not part
    return words.removeprefix("一") if words.startswith("一十") else words or DIGITS["0"]


def number(text: str) -> str:
    """Return the words of a number with or without a decimal point: `.5` is 零点五."""
    whole, _, decimals = text.partition(".")
    kept = decimals.rstrip("0")
    if len(kept) < len(decimals):
        kept += "0"  # of several zeros at the end one is said
    return cardinal(whole) + (f"点{one_by_one(kept)}" if kept else "")


def _group(digits: str, follows: bool, gap: bool) -> str:
    """Return the words of four digits or fewer; a gap before or in them is one 零."""
    words = ""
    for digit, place in zip(digits, _PLACES[-len(digits) :], strict=True):
        if digit != "0":
            words += (DIGITS["0"] if gap and (words or follows) else "") + DIGITS[digit] + place
        gap = digit == "0"
    return words
