"""A piece as tokens for a model that tells how long each token lasts; it knows no model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from realtime.audio.spoken import Word
from realtime.text.reader import Sound

PAD = 0


@dataclass
class TokenBlock:
    """As many tokens as a model takes at once, and which of them speak which text."""

    tokens: list[int] = field(default_factory=list)
    spans: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, text: str, tokens: Sequence[int]) -> None:
        if text.strip() and tokens:
            self.spans.append((text, len(self.tokens), len(self.tokens) + len(tokens)))
        self.tokens.extend(tokens)

    @property
    def padded(self) -> list[int]:
        """The tokens as the models want them, with silence at both ends."""
        return [PAD, *self.tokens, PAD]


def blocks(sounds: Sequence[Sound], table: Mapping[str, int], most: int) -> Iterator[TokenBlock]:
    """The sounds as tokens, cut between sounds where a model takes no more."""
    block = TokenBlock()
    for sound in sounds:
        tokens = [table[symbol] for symbol in sound.phonemes if symbol in table]
        for start in range(0, len(tokens), most):
            part = tokens[start : start + most]
            if len(block.tokens) + len(part) > most:
                yield block
                block = TokenBlock()
            block.add(sound.text if start == 0 else "", part)
    if block.tokens:
        yield block


def words(
    block: TokenBlock, durations: Iterable[float], start: float = 0.0, end: float = math.inf
) -> tuple[Word, ...]:
    """When each text is heard, from the seconds that each padded token lasts.

    Of those seconds only the ones from `start` to `end` were made into sound.
    """
    ends = [0.0]
    for seconds in durations:
        ends.append(ends[-1] + float(seconds))
    heard = [round(min(max(moment, start), end) - start, 4) for moment in ends]
    return tuple(Word(text, heard[first + 1], heard[last + 1]) for text, first, last in block.spans)
