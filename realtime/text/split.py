"""Cuts a text into pieces that are spoken one after the other, also while it is being written.

The first piece is short so that sound starts early, the following ones grow. It knows no engine:
lengths are estimated from the characters.
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
    ended,
)
from realtime.text.language import Segment, tagged_segments
from realtime.text.normalise import has_speech, speakable

LONGEST_SECONDS = 8.0
GROWTH = 1.6  # a slow engine makes the next piece while this one is heard
SLACK = (
    1.25  # a piece may be so much longer than its target when it then ends where a sentence does
)
# Where words are not spaced a cut inside a clause costs understanding: heard back, a first piece of
# one second gave Chinese 10 % wrong characters, one of 1.8 seconds 4 %.
PATIENCE = {"zh": 1.5, "ja": 1.3}
PARTICLES = frozenset("はがをにでともへのやねよ的了着和在是")
LEADING_WORDS = frozenset(
    "a an the of to in on at by for and or but with from as my your his her its".split()
)
START_SECONDS = 0.25  # before an engine's first sound, however short the piece
CONTEXT = 200
SHORT = 200  # characters that are cut sooner than a thread is started
BLOCK = 1_000  # characters that are cut at once, so that a long text starts early
MOST_SILENT = 20  # signs without sound before the next piece; more are passed over


@dataclass(frozen=True)
class Piece:
    """What an engine speaks at once, and the pause that is made after it."""

    segments: tuple[Segment, ...]
    pause: float
    start: int  # offset in the text

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments)


def seconds(text: str) -> float:
    """About how long a text is when spoken."""
    return sum(map(_sign_seconds, text))


def blocks(text: str) -> Iterator[str]:
    """A text in the lengths in which it is cut into pieces."""
    return (text[start : start + BLOCK] for start in range(0, len(text), BLOCK))


def split(text: str, language: str, first_seconds: float) -> list[Piece]:
    """All pieces of a whole text."""
    return cut(text, Splitter(language, first_seconds))


def cut(text: str, splitter: Splitter) -> list[Piece]:
    pieces = [piece for block in blocks(text) for piece in splitter.feed(block)]
    return pieces + splitter.flush()


class Splitter:
    """Pieces of a text that comes bit by bit; the bits do not change the pieces."""

    def __init__(self, language: str, first_seconds: float, work: float = 0.0) -> None:
        # While so much is heard, another second of sound is made.
        self.least = START_SECONDS + work if work else 0.0
        self._work = work
        self._language = language
        self._target = first_seconds * PATIENCE.get(language, 1.0)
        self.waiting = ""  # of which no piece is made yet
        self._lengths: list[float] = []  # seconds up to and including each waiting character
        self._before = ""  # what was cut of the sentence that goes on
        self._tag: str | None = None
        self._start = 0

    def feed(self, text: str) -> list[Piece]:
        self._extend(text)
        return self._cut(final=False)

    def flush(self) -> list[Piece]:
        """Everything that is there, whatever may follow."""
        return self._cut(final=True)

    def clauses(self) -> list[Piece]:
        """What is there up to the end of its last clause; it may be less than was planned."""
        found = ended(self.waiting, surely=False)
        if found is None:
            return []
        piece = self._taken(found)
        return [piece] if piece is not None else []

    def _made_in(self, heard: float) -> float:
        """How long the next piece may be to be there when one of this length has been heard."""
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
        while self.waiting and (boundary := self._next(final)) is not None:
            piece = self._taken(boundary)
            if piece is not None:
                pieces.append(piece)
        return pieces

    def _next(self, final: bool) -> Boundary | None:
        """Where the next piece ends; None while that is not decided."""
        if silent := self._silence():
            return Boundary(silent, CLAUSE)
        total, most = self._lengths[-1], self._target * SLACK
        if total <= most:
            return self._end() if final else None
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

    def _end(self) -> Boundary:
        """The end of what is there: what ends with it is known, what follows is not."""
        *_, last = Boundary(0, CLAUSE), *boundaries(self.waiting, final=True)
        whole = len(self.waiting)
        return last if last.place == whole else Boundary(whole, CLAUSE)

    def _silence(self) -> int:
        """How much of the waiting text comes before anything that can be spoken, if it is much."""
        if len(self.waiting) < MOST_SILENT:
            return 0
        place = next((p for p, sign in enumerate(self.waiting) if speakable(sign)), None)
        found = len(self.waiting) if place is None else place
        return found if found >= MOST_SILENT else 0

    def _word_end(self, reach: int) -> int:
        """The last place up to `reach` between words; within a word when it is that long."""
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
        for place in range(len(window) - 1, len(window) // 2, -1):
            narrow = window[place].isascii() and window[place - 1].isascii()
            if not narrow and not ("ぁ" <= window[place] <= "ヿ"):
                return place
        return 0

    def _taken(self, boundary: Boundary) -> Piece | None:
        """The piece up to a boundary; silent text waits for its neighbour, or ends unheard."""
        raw, self.waiting = self.waiting[: boundary.place], self.waiting[boundary.place :]
        base = self._lengths[boundary.place - 1]
        self._lengths = [length - base for length in self._lengths[boundary.place :]]
        context = self._before + raw + self.waiting[:CONTEXT].partition("\n")[0]
        found, self._tag = tagged_segments(raw, self._language, self._tag, context)
        ended = boundary.kind in (PARAGRAPH, SENTENCE)
        self._before = "" if ended else (self._before + raw)[-CONTEXT:]
        start, self._start = self._start, self._start + len(raw)
        if not any(has_speech(segment.text) for segment in found):
            return None
        self._target = min(self._target * GROWTH, LONGEST_SECONDS, self._made_in(base))
        return Piece(tuple(found), PAUSES.get(boundary.kind, 0.0), start)


def _sign_seconds(sign: str) -> float:
    if sign.isascii():
        if sign.isalpha():
            return 0.065
        return 0.3 if sign.isdigit() else 0.02
    if "ぁ" <= sign <= "ヿ":
        return 0.13
    return 0.24 if sign >= "\u2e80" else 0.1
