"""Cutting of a text in two at the best place; all of it is kept.

A place is an index into the text. The best are between sentences, then clauses, then words.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from realtime.text.boundaries import PARAGRAPH, SENTENCE, boundaries
from realtime.text.language import Segment
from realtime.text.split import LEADING_WORDS, PARTICLES

Parts = tuple[Segment, ...]

NEAR = 0.5  # share of half a text: so near the middle a weak place wins over a strong one elsewhere
TOLERANCE = 0.5  # share by which a beginning may be longer or shorter than wanted
STRONG = (PARAGRAPH, SENTENCE)
BEGINS_NO_PIECE = frozenset("ーっッぁぃぅぇぉゃゅょァィゥェォャュョ々、。，！？：；」』）》】”…・ ")
ENDS_NO_PIECE = frozenset("っッ「『（《【“")
# Roughly how many symbols a character becomes, relative to a letter.
DIGIT_WEIGHT, KANA_WEIGHT, IDEOGRAPH_WEIGHT = 5.0, 2.0, 4.5


def cut_in_half(
    parts: Sequence[Segment], counts: Sequence[int], least: int
) -> tuple[Parts, Parts] | None:
    """Cut near the middle, neither half under `least` symbols; None for a single character.

    `counts` are the symbols of each part. Where no place is good near the middle one farther away
    is taken, and where no place is good at all the very middle.
    """
    text, before = _join(parts), _symbols_before(parts, counts)
    if len(text) < 2:
        return None
    middle = before[-1] / 2
    for reach in (NEAR * middle, middle - least):
        place = _best_place(parts, before, middle, middle - reach, middle + reach)
        if place is not None:
            return _split(parts, place)
    place = min(range(1, len(text)), key=lambda place: abs(before[place] - middle))
    return _split(parts, place)


def cut_beginning(
    parts: Sequence[Segment], counts: Sequence[int], wanted: float, least: int
) -> tuple[Parts, Parts] | None:
    """Cut off about `wanted` symbols; None where no place is near or a side would be too short."""
    before = _symbols_before(parts, counts)
    lowest = max(least, (1 - TOLERANCE) * wanted)
    highest = min(before[-1] - least, (1 + TOLERANCE) * wanted)
    place = _best_place(parts, before, wanted, lowest, highest)
    return None if place is None else _split(parts, place)


def _best_place(
    parts: Sequence[Segment],
    before: Sequence[float],
    wanted: float,
    lowest: float,
    highest: float,
) -> int | None:
    """Return a place of the best kind that has one within the bounds, the nearest to `wanted`.

    The bounds and `wanted` are symbols before the place; None where no kind has a place.
    """
    first, last = bisect_left(before, lowest), bisect_right(before, highest) - 1
    for places in _places_by_kind(parts):
        allowed = [place for place in places if first <= place <= last and before[place] > 0]
        if allowed:
            return min(allowed, key=lambda place: abs(before[place] - wanted))
    return None


def _places_by_kind(parts: Sequence[Segment]) -> Iterator[list[int]]:
    """Yield the places of each kind, the best kind first."""
    text = _join(parts)
    ends = [end for end in boundaries(text, final=True) if 0 < end.place < len(text)]
    yield [end.place for end in ends if end.kind in STRONG]
    yield [end.place for end in ends]
    borders = list(accumulate(len(part.text) for part in parts))[:-1]  # between two languages
    spaces = [place + 1 for place, character in enumerate(text[:-1]) if character == " "]
    yield borders + [place for place in spaces if not _ends_with_leading_word(text[:place])]
    yield spaces
    gaps = [place for place in range(1, len(text)) if _is_gap(text[place - 1], text[place])]
    yield [place for place in gaps if _ends_a_word(text[place - 1], text[place])]
    yield gaps


def _ends_with_leading_word(text: str) -> bool:
    """Return whether a text ends with a word that belongs to the next one, such as "the"."""
    return text.rstrip().rpartition(" ")[2].lower() in LEADING_WORDS


def _is_gap(character: str, following: str) -> bool:
    """Return whether a cut may be between two characters of a text without spaces."""
    wide = character >= "\u2e80" or following >= "\u2e80"  # CJK begins there
    return wide and character not in ENDS_NO_PIECE and following not in BEGINS_NO_PIECE


def _ends_a_word(character: str, following: str) -> bool:
    return character in PARTICLES or (_is_kana(character) and not _is_kana(following))


def _is_kana(character: str) -> bool:
    return "ぁ" <= character <= "ヿ"


def _symbols_before(parts: Sequence[Segment], counts: Sequence[int]) -> list[float]:
    """Estimate how many symbols lie before each place: a part's count, spread over its text."""
    before = [0.0]
    for part, count in zip(parts, counts, strict=True):
        weights = [_weight(character) for character in part.text]
        symbols_per_weight = count / max(1.0, sum(weights))
        start = before[-1]
        before += [start + symbols_per_weight * weight for weight in accumulate(weights)]
    return before


def _weight(character: str) -> float:
    if character.isdigit():
        return DIGIT_WEIGHT
    if _is_kana(character):
        return KANA_WEIGHT
    return IDEOGRAPH_WEIGHT if character >= "\u2e80" and character.isalpha() else 1.0


def _join(parts: Sequence[Segment]) -> str:
    return "".join(part.text for part in parts)


def _split(parts: Sequence[Segment], place: int) -> tuple[Parts, Parts]:
    starts = accumulate((len(part.text) for part in parts), initial=0)
    first, second = [], []
    for part, start in zip(parts, starts, strict=False):
        cut = min(max(place - start, 0), len(part.text))
        if cut:
            first.append(Segment(part.text[:cut], part.language))
        if cut < len(part.text):
            second.append(Segment(part.text[cut:], part.language))
    return tuple(first), tuple(second)
