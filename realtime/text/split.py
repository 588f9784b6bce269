"""Pieces of a text, which are spoken one after the other, also while it is being written.

The first piece is short so that sound starts early; the following ones grow. Lengths in seconds are
estimated from the characters. A text is cut the same way whether it comes whole or bit by bit, so
that both are one recording.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from realtime.text.boundaries import (
    CLAUSE,
    INNER,
    PARAGRAPH,
    PAUSES,
    SENTENCE,
    Boundary,
    boundaries,
    last_clause,
)
from realtime.text.language import Segment, tagged_segments
from realtime.text.normalise import has_speech, is_speakable

LONGEST_SECONDS = 8.0
GROWTH = 1.6  # a slow engine makes the next piece while this one is heard
SLACK = 1.25  # times its target that a piece may have to end where a sentence does
# Times the first piece's length. Where words are not spaced, a cut inside a clause is misread:
# a recogniser got 10 % of Chinese characters wrong after a first piece of 1 s, 4 % after 1.8 s.
PATIENCE = {"zh": 1.5, "ja": 1.3}
PARTICLES = frozenset("はがをにでともへのやねよ的了着和在是")
LEADING_WORDS = frozenset(
    "a an the of to in on at by for and or but with from as my your his her its".split()
)
START_SECONDS = 0.25  # before an engine's first sound, however short the piece
CONTEXT = 200  # characters around a piece in which kana tell Japanese from Chinese
SHORT = 200  # characters up to which cutting is quicker than starting a thread for it
BLOCK = 1_000  # characters that are cut at a time, so that a long text starts early
MOST_SILENT = 20  # signs without sound before the next piece; more are passed over


@dataclass(frozen=True)
class Piece:
    """A part of a text that an engine speaks in one go, and the pause in seconds after it."""

    segments: tuple[Segment, ...]
    pause: float
    start: int  # offset in the text

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments)


def spoken_seconds(text: str) -> float:
    """Estimate how long a text is when it is spoken."""
    return sum(map(_sign_seconds, text))


def blocks(text: str) -> Iterator[str]:
    """Cut a text into the lengths that a splitter is fed with."""
    return (text[start : start + BLOCK] for start in range(0, len(text), BLOCK))


def split(text: str, language: str, first_seconds: float) -> list[Piece]:
    """Cut a whole text into pieces."""
    return cut_into_pieces(text, Splitter(language, first_seconds))


def cut_into_pieces(text: str, splitter: Splitter) -> list[Piece]:
    """Cut a whole text into pieces with a new splitter."""
    pieces = [piece for block in blocks(text) for piece in splitter.feed(block)]
    return pieces + splitter.flush()


class Splitter:
    """A cutter of a text that comes bit by bit; the bits do not change the pieces.

    `work` is the time an engine takes for a second of sound; 0: so little that it needs no care.
    """

    def __init__(self, language: str, first_seconds: float, work: float = 0.0) -> None:
        # Seconds of a piece during which a next piece of one second can be made.
        self.least = START_SECONDS + work if work else 0.0
        self._work = work
        self._language = language
        self._target = first_seconds * PATIENCE.get(language, 1.0)
        self.waiting = ""  # text that is in no piece yet
        self._lengths: list[float] = []  # seconds up to and including each waiting character
        self._before = ""  # pieces already cut off the sentence that goes on
        self._tag: str | None = None
        self._start = 0

    def feed(self, text: str) -> list[Piece]:
        self._extend(text)
        return self._cut(final=False)

    def flush(self) -> list[Piece]:
        """Cut all that waits, whatever may follow."""
        return self._cut(final=True)

    def clauses(self) -> list[Piece]:
        """Cut the text that waits up to the end of its last clause, however short that is."""
        found = last_clause(self.waiting, surely=False)
        if found is None:
            return []
        piece = self._take(found)
        return [piece] if piece is not None else []

    def _longest_next(self, heard: float) -> float:
        """Return the length of a next piece that is made while `heard` seconds are played."""
        if not self._work:
            return LONGEST_SECONDS
        return max(self.least, (heard - START_SECONDS / 2) / self._work / SLACK)

    def _extend(self, text: str) -> None:
        self.waiting += text
        known = self._lengths[-1] if self._lengths else 0.0
        more = accumulate(map(_sign_seconds, text), initial=known)
        next(more)
        self._lengths.extend(more)

    def _cut(self, final: bool) -> list[Piece]:
        pieces = []
        while self.waiting and (boundary := self._next_boundary(final)) is not None:
            piece = self._take(boundary)
            if piece is not None:
                pieces.append(piece)
        return pieces

    def _next_boundary(self, final: bool) -> Boundary | None:
        """Find the end of the next piece; None while it depends on text to come."""
        if silent := self._silent_length():
            return Boundary(silent, CLAUSE)
        total, most = self._lengths[-1], self._target * SLACK
        if total <= most:
            return self._end_boundary() if final else None
        reach = bisect_right(self._lengths, most)
        if not final and reach + 2 >= len(self.waiting):
            return None
        window = self.waiting[: reach + 2]
        found = [b for b in boundaries(window, final=False) if b.place <= reach]
        for kinds in ((PARAGRAPH, SENTENCE), (CLAUSE,), (INNER,)):
            best = [b for b in found if b.kind in kinds and has_speech(window[: b.place])]
            if best:
                return best[-1]
        return Boundary(self._word_end(bisect_right(self._lengths, self._target)), "word")

    def _end_boundary(self) -> Boundary:
        """Return the end of the text that waits, with the kind of part that ends there."""
        whole = len(self.waiting)
        found = list(boundaries(self.waiting, final=True))
        return found[-1] if found and found[-1].place == whole else Boundary(whole, CLAUSE)

    def _silent_length(self) -> int:
        """Count the signs before the first that can be spoken; 0 when they are few."""
        if len(self.waiting) < MOST_SILENT:
            return 0
        place = next((p for p, sign in enumerate(self.waiting) if is_speakable(sign)), None)
        found = len(self.waiting) if place is None else place
        return found if found >= MOST_SILENT else 0

    def _word_end(self, reach: int) -> int:
        """Find the last place up to `reach` between words; inside a word that is longer."""
        window = self.waiting[: max(1, reach)]
        fallback = 0
        for place in range(len(window) - 1, 0, -1):
            if window[place] == " ":
                word = window[:place].rpartition(" ")[2].lower()
                if word not in LEADING_WORDS:
                    return place + 1
                fallback = fallback or place + 1
            elif window[place] in PARTICLES and place > len(window) // 2:
                return place + 1
        return fallback or self._script_border(window) or len(window)

    def _script_border(self, window: str) -> int:
        """Find the last place where the script changes or words are not spaced; 0: none."""
        for place in range(len(window) - 1, len(window) // 2, -1):
            narrow = window[place].isascii() and window[place - 1].isascii()
            if not narrow and not ("ぁ" <= window[place] <= "ヿ"):
                return place
        return 0

    def _take(self, boundary: Boundary) -> Piece | None:
        """Cut off the text up to a boundary; return its piece, None when it has no sound."""
        raw, self.waiting = self.waiting[: boundary.place], self.waiting[boundary.place :]
        base = self._lengths[boundary.place - 1]
        self._lengths = [length - base for length in self._lengths[boundary.place :]]
        context = self._before + raw + self.waiting[:CONTEXT].partition("\n")[0]
        found, self._tag = tagged_segments(raw, self._language, self._tag, context)
        sentence_ends = boundary.kind in (PARAGRAPH, SENTENCE)
        self._before = "" if sentence_ends else (self._before + raw)[-CONTEXT:]
        start, self._start = self._start, self._start + len(raw)
        if not any(has_speech(segment.text) for segment in found):
            return None
        self._target = min(self._target * GROWTH, LONGEST_SECONDS, self._longest_next(base))
        return Piece(tuple(found), PAUSES.get(boundary.kind, 0.0), start)


def _sign_seconds(sign: str) -> float:
    if sign.isascii():
        if sign.isalpha():
            return 0.065
        return 0.3 if sign.isdigit() else 0.02
    if "ぁ" <= sign <= "ヿ":
        return 0.13
    return 0.24 if sign >= "\u2e80" else 0.1
