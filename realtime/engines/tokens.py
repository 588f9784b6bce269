"""Tokens of a piece, for models that tell how long each token lasts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from realtime.audio.spoken import Word
from realtime.text.reader import Sound

PAD = 0  # the token of silence


@dataclass
class TokenBlock:
    """Tokens for one run of a model, and which of them speak which text."""

    tokens: list[int] = field(default_factory=list)
    spans: list[tuple[str, int, int]] = field(default_factory=list)  # text, first token, last + 1

    def add(self, text: str, tokens: Sequence[int]) -> None:
        if text.strip() and tokens:
            self.spans.append((text, len(self.tokens), len(self.tokens) + len(tokens)))
        self.tokens.extend(tokens)

    @property
    def padded(self) -> list[int]:
        """Give the tokens as the models take them, with silence at both ends."""
        return [PAD, *self.tokens, PAD]


def token_blocks(
    sounds: Sequence[Sound], table: Mapping[str, int], most: int
) -> Iterator[TokenBlock]:
    """Yield the sounds as tokens, in blocks of at most `most`, cut between sounds if possible."""
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


def word_times(
    block: TokenBlock, durations: Iterable[float], start: float = 0.0, end: float = math.inf
) -> tuple[Word, ...]:
    """Give the time of each text, from the seconds that each padded token lasts.

    Only the seconds from `start` to `end` of these became sound.
    """
    ends = [0.0]
    for seconds in durations:
        ends.append(ends[-1] + float(seconds))
    times = [round(min(max(moment, start), end) - start, 4) for moment in ends]
    # Token n of a span is n + 1 of the padded ones.
    return tuple(Word(text, times[first + 1], times[last + 1]) for text, first, last in block.spans)
