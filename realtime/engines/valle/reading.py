"""A piece of text as VALL-E X takes it, and into which pieces it is cut; it knows no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realtime.engines.valle import budget
from realtime.engines.valle.speaking import VoiceExample
from realtime.engines.valle.text import Encoded, encoded
from realtime.engines.valle.text_cutting import Parts, begun, halves
from realtime.errors import NothingToSay
from realtime.text.boundaries import PAUSES, boundaries
from realtime.text.language import Segment

TINY = 10  # symbols; where a piece would become so short a line begins with more


@dataclass(frozen=True)
class Reading:
    """What can be spoken of a piece, and how many symbols each part became."""

    parts: Parts
    counts: tuple[int, ...]
    words: Encoded
    accent: str | None

    def fits(self, heard: VoiceExample) -> bool:
        """Whether it can be said in one piece after what was heard."""
        return budget.fits(*self._sizes(heard))

    @property
    def pause(self) -> float:
        """Seconds between it and what follows; none where it was cut within a clause."""
        text = "".join(part.text for part in self.parts)
        *_, last = None, *boundaries(text, final=True)
        return PAUSES.get(last.kind, 0.0) if last is not None and last.place == len(text) else 0.0

    def cut(self, heard: VoiceExample, first: bool) -> list[Reading]:
        """Itself, or its pieces: it is too long to be said at once, or to begin a line with."""
        if not self.fits(heard):
            return self._read(halves(self.parts, self.counts, budget.FEWEST_SYMBOLS))
        wanted = budget.first(*self._sizes(heard)) if first else None
        if wanted is None:
            return [self]
        pieces = self._read(begun(self.parts, self.counts, wanted, budget.FEWEST_SYMBOLS))
        # How much each sign becomes was only guessed before.
        tiny = len(pieces) < 2 or min(len(piece.words.ids) for piece in pieces) < TINY
        return [self] if tiny else pieces

    def _read(self, pieces: tuple[Parts, Parts] | None) -> list[Reading]:
        found = [read(piece, self.accent) for piece in pieces or ()]
        return [piece for piece in found if piece is not None] or [self]

    def _sizes(self, heard: VoiceExample) -> tuple[int, int, int]:
        return len(self.words.ids), len(heard.said.ids), len(heard.codes)


def pieces(
    parts: Sequence[Segment], accent: str | None, heard: VoiceExample, first: bool
) -> list[Reading]:
    """What is said of a text, each piece short enough; the first one also to begin a line with."""
    whole = read(parts, accent)
    found: list[Reading] = []
    waiting = [] if whole is None else [whole]
    while waiting:
        reading = waiting.pop(0)
        cut = reading.cut(heard, first and not found)
        if cut == [reading]:
            found.append(reading)
        else:
            waiting[:0] = cut
    return found


def read(parts: Sequence[Segment], accent: str | None) -> Reading | None:
    """What can be spoken of a piece; None when nothing can."""
    found = []
    for part in parts:
        try:
            found.append((part, encoded((part,), accent)))
        except NothingToSay:
            continue
    if not found:
        return None
    ids = tuple(number for _, words in found for number in words.ids)
    languages = tuple(number for _, words in found for number in words.languages)
    return Reading(
        tuple(part for part, _ in found),
        tuple(len(words.ids) for _, words in found),
        Encoded(ids, languages),
        accent,
    )
