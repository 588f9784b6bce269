"""Clean text whatever its language: one form for each character, no invisible ones, bounded marks.

It knows no language; numbers and abbreviations belong to the readers.
"""

from __future__ import annotations

import re
import unicodedata

MOST_MARKS = 4  # combining marks in a row that a writing system needs
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_MARKS = re.compile(
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
_HALF_KANA = re.compile(r"[\uff65-\uff9f]+")
# Letters, digits and signs of the ASCII block in full width; the punctuation that Chinese and
# Japanese write in full width keeps its form, since it says where sentences end.
_KEPT_WIDE = "！（），．：；？［］｛｝～"
_NARROW = {
    code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in _KEPT_WIDE
} | {0xFFE5: "¥", 0xFFE1: "£", 0xFFE0: "¢", 0x3000: " "}


def clean(text: str) -> str:
    """The one written form of a text; cleaning it again changes nothing."""
    return _composed(text).strip()


class Cleaner:
    """The same for a text that comes bit by bit: all that it gave is the clean text."""

    def __init__(self) -> None:
        self.waiting = ""  # what may still change
        self._begun = False

    def feed(self, text: str) -> str:
        """What of the text can no longer change."""
        self.waiting += text
        last = len(self.waiting) - 1
        return self._given(next((p for p in range(last, 0, -1) if _alone(self.waiting[p])), 0))

    def flush(self) -> str:
        """Everything that is there but blanks at its end, which may turn out to be the last."""
        found = self._given(len(self.waiting))
        kept = found.rstrip()
        self.waiting = found[len(kept) :]
        return kept

    def _given(self, place: int) -> str:
        raw, self.waiting = self.waiting[:place], self.waiting[place:]
        found = _composed(raw) if self._begun else _composed(raw).lstrip()
        self._begun = self._begun or bool(found)
        return found


def has_speech(text: str) -> bool:
    """Whether anything in the text can be spoken: a letter or a digit of a script that is read."""
    return any(map(speakable, text))


def speakable(sign: str) -> bool:
    """Whether a character belongs to Latin, kana, Han or the digits."""
    code = ord(sign)
    if code < 0x250:
        return sign.isalnum()
    if 0x3041 <= code <= 0x30FF or 0x31F0 <= code <= 0x31FF:
        return code not in (0x30FB, 0x30FC, 0x3099, 0x309A, 0x309B, 0x309C, 0x30A0)
    if 0x1E00 <= code <= 0x1EFF or sign in "々〇〆":
        return True
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x323AF


def _composed(text: str) -> str:
    text = _SURROGATES.sub(" ", text).translate(_NARROW)
    text = _HALF_KANA.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    text = "".join(map(_visible, text))
    # Before NFC, which orders long runs of marks in quadratic time.
    text = _MARKS.sub(lambda found: found[0][:MOST_MARKS], text)
    text = unicodedata.normalize("NFC", text)
    return _LINES.sub("\n", _BLANKS.sub(" ", text))


def _alone(sign: str) -> bool:
    """Whether a character neither joins the one before it nor is a blank or invisible."""
    if "!" <= sign <= "~":
        return True
    code = ord(sign)
    if 0xFF65 <= code <= 0xFF9F or 0x1100 <= code <= 0x11FF:
        return False  # half-width kana and parts of Hangul are read in runs
    return unicodedata.category(sign)[0] in "LNPS" and not unicodedata.combining(sign)


def _visible(sign: str) -> str:
    if sign == "\n" or " " <= sign <= "~":
        return sign
    kind = unicodedata.category(sign)
    if kind in ("Zs", "Zl", "Zp", "Cc"):
        return "\n" if sign in "\r\x0b\x0c\x85\u2028\u2029" else " "
    if kind == "Nd":
        return str(unicodedata.decimal(sign))
    # Format marks turn the reading direction or join emoji; they are never heard.
    return "" if kind in ("Cf", "Cn", "Co", "Cs") or "\ufe00" <= sign <= "\ufe0f" else sign
