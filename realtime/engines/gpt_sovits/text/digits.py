"""Digits of all scripts as the ten of ASCII: full-width, Arabic, Devanagari and others."""

from __future__ import annotations

import unicodedata


def plain_digits(text: str) -> str:
    """Write a text's decimal digits as 0 to 9: `\\d` matches all of them, and tables do not."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
