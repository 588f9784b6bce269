"""A piece of text in two, for when it is too long to be said at once; nothing of it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from realtime.text.boundaries import PARAGRAPH, SENTENCE, boundaries
from realtime.text.language import Segment

Parts = tuple[Segment, ...]

NEAR = 0.25  # of a text's length around its middle, where the end of a sentence is looked for


def halves(segments: Sequence[Segment]) -> tuple[Parts, Parts] | None:
    """About the same length each; None when there is only one sign."""
    text = "".join(segment.text for segment in segments)
    if len(text) < 2:
        return None
    place = _place(text)
    starts = list(accumulate((len(segment.text) for segment in segments), initial=0))
    first, second = [], []
    for segment, start in zip(segments, starts, strict=False):
        cut = min(max(place - start, 0), len(segment.text))
        if cut:
            first.append(Segment(segment.text[:cut], segment.language))
        if cut < len(segment.text):
            second.append(Segment(segment.text[cut:], segment.language))
    return tuple(first), tuple(second)


def _place(text: str) -> int:
    """Where a cut near the middle does the least harm."""
    middle = len(text) / 2
    found = [b for b in boundaries(text, final=True) if 0 < b.place < len(text)]
    strong = [b.place for b in found if b.kind in (PARAGRAPH, SENTENCE)]
    near = [place for place in strong if abs(place - middle) <= NEAR * len(text)]
    spaces = [place + 1 for place, sign in enumerate(text[:-1]) if sign == " "]
    for places in (near, [b.place for b in found], spaces):
        if places:
            return min(places, key=lambda place: abs(place - middle))
    return round(middle)
