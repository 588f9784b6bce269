"""A sentence as a model says it: its phones, and the features of the parts that are Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from realtime.engines.gpt_sovits.front import FrontNetworks
from realtime.engines.gpt_sovits.text.chinese import Readings
from realtime.engines.gpt_sovits.text.reading import Phones, read, read_prompt
from realtime.errors import NothingToSay

if TYPE_CHECKING:
    from torch import Tensor

BERT_WIDTH = 1024
FEATURED = "zh"  # the language whose parts have features


@dataclass(frozen=True)
class ReadSentence:
    """A sentence that was read; its features need a network, and are made on the lane."""

    text: str  # as it is read: cutting may have put a sign before it or after it
    parts: tuple[Phones, ...]
    said: str = ""  # the part of the whole text that it is

    @property
    def phones(self) -> tuple[int, ...]:
        return tuple(number for part in self.parts for number in part.ids)

    def features(self, front: FrontNetworks) -> Tensor:
        """Return (phones, 1024): zeros, but for Chinese parts."""
        import torch

        rows = [
            front.text_features(part.normal_text, part.word2ph).cpu()
            if part.language == FEATURED
            else torch.zeros(len(part.ids), BERT_WIDTH)
            for part in self.parts
        ]
        return torch.cat(rows) if rows else torch.zeros(0, BERT_WIDTH)


@dataclass(frozen=True)
class SentenceReader:
    """A reader for one model: its table of phones, and the network that reads rare characters."""

    symbols: str = "v2"  # or v1
    polyphones: Readings | None = None

    def read_prompt(self, text: str, language: str) -> ReadSentence:
        """Read what is said in a clip; without a text there is nothing to go on from."""
        found = read_prompt(text, language, self.symbols, self.polyphones) if text else ()
        return ReadSentence(text, found)

    def read(self, segments: Sequence[tuple[str, str]]) -> ReadSentence:
        """Read a sentence given as texts with their languages."""
        parts: list[Phones] = []
        for text, language in segments:
            with suppress(NothingToSay):  # signs alone; another segment may have words
                parts += read(text, language, self.symbols, self.polyphones)
        return ReadSentence("".join(text for text, _ in segments), tuple(parts))
