"""The numbers of Chinese characters for BERT: one for each character of a text.

The text front end leaves Chinese characters and a few marks, each of which is a word of its own in
the published vocabulary. So no more than a table is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from realtime.engines.gpt_sovits.weights import BERT_TOKENIZER, BERT_VOCABULARY
from realtime.engines.torch_file import unusable
from realtime.settings import Settings
from realtime.weights import find_path, verified_path

BEGIN, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
MOST_BYTES = 4 << 20  # of a file; the published one has 270,000
MOST_CHARACTERS = 510  # of a text: the network has 512 places, and two are for the marks


class Vocabulary:
    """A table from characters to numbers."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._numbers = numbers
        self._begin, self._end, self._unknown = (numbers[mark] for mark in (BEGIN, END, UNKNOWN))

    def encode(self, text: str) -> list[int]:
        """Return the number of each character, with the marks of begin and end around them."""
        if len(text) > MOST_CHARACTERS:
            raise ValueError(f"{len(text)} characters, and {MOST_CHARACTERS} fit")
        middle = [self._numbers.get(character, self._unknown) for character in text]
        return [self._begin, *middle, self._end]


def load_vocabulary(settings: Settings) -> Vocabulary:
    """Load the vocabulary from either of its published forms."""
    path = find_path(BERT_TOKENIZER, settings) or verified_path(BERT_VOCABULARY, settings)
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode()
        return Vocabulary(_of_json(text) if path.suffix == ".json" else _of_lines(text))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise unusable(path, "it is no vocabulary of BERT") from error


def _of_json(text: str) -> dict[str, int]:
    table = json.loads(text)["model"]["vocab"]
    return {str(word): int(number) for word, number in table.items()}


def _of_lines(text: str) -> dict[str, int]:
    return {word: number for number, word in enumerate(text.splitlines())}
