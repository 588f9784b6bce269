"""Sounds: phonemes with the text that they speak, aligned with the text as it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_TOKEN = re.compile(r"(?:[A-Za-z\u00c0-\u024f'’]+|[0-9]+(?:[.,:][0-9]+)*|.)\s*", re.DOTALL)
MOST_ALIGNED = 2_000  # characters; SequenceMatcher takes quadratic time


@dataclass(frozen=True)
class Sound:
    """Phonemes and the piece of text that they speak; the text is empty for pauses and joins."""

    text: str
    phonemes: str


def align(source: str, spoken: Sequence[Sound]) -> list[Sound]:
    """Give sounds the text that stands in the source.

    A reader may have read `$9.99` as five words: those become one sound with the text `$9.99`.
    """
    words = "".join(sound.text for sound in spoken)
    if words == source:
        return list(spoken)
    if len(source) + len(words) > MOST_ALIGNED:
        return [Sound(source.strip(), "".join(sound.phonemes for sound in spoken))]
    places = _places(source, words)
    joined: list[tuple[int, int, str]] = []
    at = 0
    for sound in spoken:
        start, end = _span(places, at, at + len(sound.text))
        at += len(sound.text)
        if joined and (start < joined[-1][1] or start >= end or not joined[-1][2]):
            before = joined.pop()
            start, end = before[0], max(before[1], end)
            joined.append((start, end, before[2] + sound.phonemes))
        else:
            joined.append((start, end, sound.phonemes))
    return [Sound(source[start:end].strip(), phonemes) for start, end, phonemes in joined]


def _places(source: str, words: str) -> list[tuple[int, int]]:
    """Find, for each character of the words, the stretch of the source that it stands for."""
    a, b = _TOKEN.findall(source), _TOKEN.findall(words)
    starts = _starts(a)
    places: list[tuple[int, int]] = []
    matcher = SequenceMatcher(None, _bare(a), _bare(b), autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        for offset, token in enumerate(b[j1:j2]):
            if kind == "equal":
                first, last = starts[i1 + offset], starts[i1 + offset + 1]
                ends = range(first, first + len(token))
                places += [(min(k, last - 1), min(k + 1, last)) for k in ends]
            else:
                places += [(starts[i1], starts[i2])] * len(token)
    return places


def _bare(tokens: Sequence[str]) -> list[str]:
    return [token.rstrip() for token in tokens]


def _starts(tokens: Sequence[str]) -> list[int]:
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token))
    return starts


def _span(places: Sequence[tuple[int, int]], first: int, last: int) -> tuple[int, int]:
    if first < last:
        return places[first][0], places[last - 1][1]
    if first < len(places):
        place = places[first][0]
    else:
        place = places[-1][1] if places else 0
    return place, place
