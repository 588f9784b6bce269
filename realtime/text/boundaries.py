"""Places where a text may be cut: the ends of paragraphs, sentences and clauses.

A boundary depends only on the text before it and the two characters after it, so a text that is
still being written is cut like a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# INNER: the end of a sentence or a clause within quotes or brackets.
PARAGRAPH, SENTENCE, CLAUSE, INNER = "paragraph", "sentence", "clause", "inner"
# Seconds of silence after each.
PAUSES = {PARAGRAPH: 0.5, SENTENCE: 0.3, CLAUSE: 0.12, INNER: 0.12}

OPENERS = {"(": ")", "（": "）", "「": "」", "『": "』", "“": "”", "《": "》", "【": "】", "[": "]"}
CLOSERS = frozenset(OPENERS.values()) | frozenset("\"'’")
LONGEST_QUOTE = 160  # an opener without its closer is forgotten after so many characters
WIDE_SENTENCE = frozenset("。！？")
WIDE_CLAUSE = frozenset("、，；：")
NARROW_SENTENCE = frozenset(".!?…")
NARROW_CLAUSE = frozenset(",;:—")
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st mt vs etc e.g i.e a.m p.m inc ltd co corp dept"
    " approx jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k ph.d gen col sgt capt lt"
    " rev hon".split()
)
COUNTED = frozenset("no vol fig pp p".split())  # abbreviations before a number only


@dataclass(frozen=True)
class Boundary:
    """A place where a text may be cut, with the kind of part that ends there."""

    place: int
    kind: str


def boundaries(text: str, final: bool) -> Iterator[Boundary]:
    """Yield the boundaries of a text, in order.

    The end of a text that is not `final` is no boundary yet: what follows decides.
    """
    quotes: list[tuple[str, int]] = []
    place = 0
    while place < len(text):
        sign = text[place]
        _track(quotes, sign, place)
        kind = _kind(text, place)
        place += 1
        if kind is None:
            continue
        while place < len(text) and (text[place] in CLOSERS or _kind(text, place) is not None):
            _track(quotes, text[place], place)
            kind = _stronger(kind, _kind(text, place))
            place += 1
        while place < len(text) and text[place] == " ":
            place += 1
        if place < len(text) and text[place] == "\n":
            continue  # the line's end is the boundary
        if place < len(text) or final:
            yield Boundary(place, INNER if quotes else kind)


def last_clause(text: str, surely: bool) -> Boundary | None:
    """Find the end of the last clause of an unfinished text.

    With `surely`, a clause whose sign is the very last character counts only when that sign stands
    in no number, address or abbreviation: `3.` may go on as `3.14`, `。` may not.
    """
    found = [boundary for boundary in boundaries(text, final=True) if boundary.place]
    if found and found[-1].place == len(text) and surely and not _surely_ended(text):
        found.pop()
    return found[-1] if found else None


def _surely_ended(text: str) -> bool:
    sign = text[-1:]
    return sign.isspace() or sign in WIDE_SENTENCE or sign in WIDE_CLAUSE


def _track(quotes: list[tuple[str, int]], sign: str, place: int) -> None:
    """Note a character that opens or closes a quote; quotes are (closer, place of the opener)."""
    if quotes and (sign == quotes[-1][0] or place - quotes[-1][1] > LONGEST_QUOTE or sign == "\n"):
        quotes.pop()
        if sign == "\n":
            quotes.clear()
    elif sign in OPENERS and len(quotes) < 8:
        quotes.append((OPENERS[sign], place))
    elif sign == '"':
        quotes.append(('"', place))


def _kind(text: str, place: int) -> str | None:
    """Return the kind of part that ends with a character; None when none does."""
    sign = text[place]
    if sign == "\n":
        return PARAGRAPH
    if sign in WIDE_SENTENCE:
        return SENTENCE
    if sign in WIDE_CLAUSE:
        return CLAUSE
    if sign not in NARROW_SENTENCE and sign not in NARROW_CLAUSE:
        return None
    after = text[place + 1 : place + 2]
    if after and not after.isspace() and after not in CLOSERS and after not in NARROW_SENTENCE:
        if sign != "—" and not (sign in "!?…" and ord(after) > 0x2E80):
            return None  # inside a number, an address, an abbreviation
    if sign in NARROW_CLAUSE:
        return CLAUSE
    return None if sign == "." and _abbreviates(text, place) else SENTENCE


def _abbreviates(text: str, place: int) -> bool:
    """Tell whether a full stop belongs to its word, or the sentence goes on in lower case."""
    start = max(
        text.rfind(" ", max(0, place - 12), place), text.rfind("\n", max(0, place - 12), place)
    )
    word = text[start + 1 : place].lstrip("(\"'“‘[").lower()
    if word in ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i"):
        return True
    following = text[place + 1 : place + 3].lstrip()
    if word in COUNTED:
        return following[:1].isdigit()
    return following[:1].islower()


def _stronger(one: str, other: str | None) -> str:
    order = (CLAUSE, SENTENCE, PARAGRAPH)
    return one if other is None or order.index(one) >= order.index(other) else other
