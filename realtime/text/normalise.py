"""Clean text of any language: one form for each character, none invisible, few marks.

Numbers and abbreviations stay as they are: the readers of the languages know them.
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
    """Return the one written form of a text; cleaning it again changes nothing."""
    return _composed(text).strip()


class Cleaner:
    """A cleaner of a text that comes bit by bit; all that it returned is the clean text."""

    def __init__(self) -> None:
        self.waiting = ""  # what may still change
        self._begun = False

    def feed(self, text: str) -> str:
        """Add text; return the clean text that can no longer change."""
        self.waiting += text
        last = len(self.waiting) - 1
        place = next((p for p in range(last, 0, -1) if _stands_alone(self.waiting[p])), 0)
        return self._clean_up_to(place)

    def flush(self) -> str:
        """Return all that waits; blanks at its end wait on: a clean text ends without them."""
        found = self._clean_up_to(len(self.waiting))
        kept = found.rstrip()
        self.waiting = found[len(kept) :]
        return kept

    def _clean_up_to(self, place: int) -> str:
        raw, self.waiting = self.waiting[:place], self.waiting[place:]
        found = _composed(raw) if self._begun else _composed(raw).lstrip()
        self._begun = self._begun or bool(found)
        return found


def has_speech(text: str) -> bool:
    """Tell whether a text has a letter or a digit that can be spoken."""
    return any(map(is_speakable, text))


def is_speakable(sign: str) -> bool:
    """Tell whether a character belongs to Latin, kana, Han or the digits."""
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
    # Before NFC, whose ordering of a run of marks takes quadratic time.
    text = _MARKS.sub(lambda found: found[0][:MOST_MARKS], text)
    text = unicodedata.normalize("NFC", text)
    return _LINES.sub("\n", _BLANKS.sub(" ", text))


def _stands_alone(sign: str) -> bool:
    """Tell whether a character is visible and never joins the one before it."""
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
    # Format marks turn the reading direction or join emoji: they have no sound.
    return "" if kind in ("Cf", "Cn", "Co", "Cs") or "\ufe00" <= sign <= "\ufe0f" else sign
