"""Reading of a text into the pieces that VALL-E X says, each short enough for the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realtime.engines.valle import budget
from realtime.engines.valle.speaking import VoiceExample
from realtime.engines.valle.text import Encoded, encode_segments
from realtime.engines.valle.text_cutting import Parts, cut_beginning, cut_in_half
from realtime.errors import NothingToSay
from realtime.text.boundaries import PAUSES, boundaries
from realtime.text.language import Segment

TINY = 10  # symbols; a line is not cut where a piece would become shorter


@dataclass(frozen=True)
class Reading:
    """The parts of a piece that can be spoken, and the symbols that each part became."""

    parts: Parts
    counts: tuple[int, ...]  # symbols of each part
    text: Encoded
    accent: str | None

    def fits(self, example: VoiceExample) -> bool:
        """Return whether it can be said in one piece after the example."""
        return budget.fits(*self._sizes(example))

    @property
    def pause(self) -> float:
        """Return the seconds of pause after it; 0 where the cut is within a clause."""
        text = "".join(part.text for part in self.parts)
        ends = list(boundaries(text, final=True))
        if not ends or ends[-1].place != len(text):
            return 0.0
        return PAUSES.get(ends[-1].kind, 0.0)

    def cut(self, example: VoiceExample, first: bool) -> list[Reading]:
        """Cut it in two where it is too long, or where it begins a line and a second is enough.

        Returned alone it is not cut.
        """
        if not self.fits(example):
            return self._read(cut_in_half(self.parts, self.counts, budget.FEWEST_SYMBOLS))
        wanted = budget.first_symbols(*self._sizes(example)) if first else None
        if wanted is None:
            return [self]
        pieces = self._read(cut_beginning(self.parts, self.counts, wanted, budget.FEWEST_SYMBOLS))
        # Before the cut the symbols of each character were only estimated.
        tiny = len(pieces) < 2 or min(len(piece.text.ids) for piece in pieces) < TINY
        return [self] if tiny else pieces

    def _read(self, pieces: tuple[Parts, Parts] | None) -> list[Reading]:
        readings = [read_parts(piece, self.accent) for piece in pieces or ()]
        return [reading for reading in readings if reading is not None] or [self]

    def _sizes(self, example: VoiceExample) -> tuple[int, int, int]:
        return len(self.text.ids), len(example.text.ids), len(example.codes)


def read_pieces(
    parts: Sequence[Segment], accent: str | None, example: VoiceExample, first: bool
) -> list[Reading]:
    """Read a text in pieces that are short enough.

    With `first` the text begins a line, so the first piece is cut short for an early sound.
    """
    whole = read_parts(parts, accent)
    pieces: list[Reading] = []
    waiting = [] if whole is None else [whole]
    while waiting:
        reading = waiting.pop(0)
        cut = reading.cut(example, first and not pieces)
        if cut == [reading]:
            pieces.append(reading)
        else:
            waiting[:0] = cut
    return pieces


def read_parts(parts: Sequence[Segment], accent: str | None) -> Reading | None:
    """Read the parts that can be spoken as one piece; None when there are none."""
    spoken = []
    for part in parts:
        try:
            spoken.append((part, encode_segments((part,), accent)))
        except NothingToSay:
            continue
    if not spoken:
        return None
    ids = tuple(number for _, text in spoken for number in text.ids)
    languages = tuple(number for _, text in spoken for number in text.languages)
    return Reading(
        tuple(part for part, _ in spoken),
        tuple(len(text.ids) for _, text in spoken),
        Encoded(ids, languages),
        accent,
    )
