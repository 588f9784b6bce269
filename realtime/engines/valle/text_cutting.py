"""A piece of text in two, where it does the least harm; nothing of it is lost.

It knows no model: how many symbols each part becomes is told to it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from realtime.text.boundaries import PARAGRAPH, SENTENCE, boundaries
from realtime.text.language import Segment
from realtime.text.split import LEADING_WORDS, PARTICLES

Parts = tuple[Segment, ...]

NEAR = 0.5  # of half a text: so near its middle an end is taken before a better one elsewhere
ABOUT = 0.5  # by which share a beginning may be longer or shorter than wanted
STRONG = (PARAGRAPH, SENTENCE)
BEGINS_NOTHING = frozenset("ーっッぁぃぅぇぉゃゅょァィゥェォャュョ々、。，！？：；」』）》】”…・ ")
ENDS_NOTHING = frozenset("っッ「『（《【“")
# About how many symbols a sign becomes, beside the others of its text.
OF_A_DIGIT, OF_KANA, OF_A_CHARACTER = 5.0, 2.0, 4.5


def halves(
    parts: Sequence[Segment], counts: Sequence[int], least: int
) -> tuple[Parts, Parts] | None:
    """About the same amount each, and neither below so many symbols; None of a single sign."""
    text, before = _text(parts), _before(parts, counts)
    if len(text) < 2:
        return None
    middle = before[-1] / 2
    place = None
    for reach in (NEAR * middle, middle - least):
        place = place or _nearest(parts, before, middle, middle - reach, middle + reach)
    if place is None:
        place = min(range(1, len(text)), key=lambda place: abs(before[place] - middle))
    return _apart(parts, place)


def begun(
    parts: Sequence[Segment], counts: Sequence[int], wanted: float, least: int
) -> tuple[Parts, Parts] | None:
    """About so many symbols, and the rest; None where no cut is near or one would be tiny."""
    before = _before(parts, counts)
    lowest = max(least, (1 - ABOUT) * wanted)
    highest = min(before[-1] - least, (1 + ABOUT) * wanted)
    place = _nearest(parts, before, wanted, lowest, highest)
    return None if place is None else _apart(parts, place)


def _nearest(
    parts: Sequence[Segment],
    before: Sequence[float],
    wanted: float,
    lowest: float,
    highest: float,
) -> int | None:
    """The best place to cut with so many symbols before it, the nearest one of its kind."""
    first, last = bisect_left(before, lowest), bisect_right(before, highest) - 1
    for places in _kinds(parts):
        there = [place for place in places if first <= place <= last and before[place] > 0]
        if there:
            return min(there, key=lambda place: abs(before[place] - wanted))
    return None


def _kinds(parts: Sequence[Segment]) -> Iterator[list[int]]:
    """Places between two signs, the best first."""
    text = _text(parts)
    found = [b for b in boundaries(text, final=True) if 0 < b.place < len(text)]
    yield [b.place for b in found if b.kind in STRONG]
    yield [b.place for b in found]
    borders = list(accumulate(len(part.text) for part in parts))[:-1]
    spaces = [place + 1 for place, sign in enumerate(text[:-1]) if sign == " "]
    yield borders + [place for place in spaces if not _leads(text[:place])]
    yield spaces
    gaps = [place for place in range(1, len(text)) if _is_gap(text[place - 1], text[place])]
    yield [place for place in gaps if _ends_a_word(text[place - 1], text[place])]
    yield gaps


def _leads(text: str) -> bool:
    """Whether a text ends with a word that belongs to the next one."""
    return text.rstrip().rpartition(" ")[2].lower() in LEADING_WORDS


def _is_gap(sign: str, following: str) -> bool:
    """Whether two signs may stand apart, as they do where words are not spaced."""
    wide = sign >= "\u2e80" or following >= "\u2e80"
    return wide and sign not in ENDS_NOTHING and following not in BEGINS_NOTHING


def _ends_a_word(sign: str, following: str) -> bool:
    return sign in PARTICLES or (_is_kana(sign) and not _is_kana(following))


def _is_kana(sign: str) -> bool:
    return "ぁ" <= sign <= "ヿ"


def _before(parts: Sequence[Segment], counts: Sequence[int]) -> list[float]:
    """About how many symbols lie before each place."""
    found = [0.0]
    for part, count in zip(parts, counts, strict=True):
        weights = [_weight(sign) for sign in part.text]
        symbol = count / max(1.0, sum(weights))
        start = found[-1]
        found += [start + symbol * weight for weight in accumulate(weights)]
    return found


def _weight(sign: str) -> float:
    if sign.isdigit():
        return OF_A_DIGIT
    if _is_kana(sign):
        return OF_KANA
    return OF_A_CHARACTER if sign >= "\u2e80" and sign.isalpha() else 1.0


def _text(parts: Sequence[Segment]) -> str:
    return "".join(part.text for part in parts)


def _apart(parts: Sequence[Segment], place: int) -> tuple[Parts, Parts]:
    starts = accumulate((len(part.text) for part in parts), initial=0)
    first, second = [], []
    for part, start in zip(parts, starts, strict=False):
        cut = min(max(place - start, 0), len(part.text))
        if cut:
            first.append(Segment(part.text[:cut], part.language))
        if cut < len(part.text):
            second.append(Segment(part.text[cut:], part.language))
    return tuple(first), tuple(second)
