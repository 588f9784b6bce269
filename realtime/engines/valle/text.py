"""VALL-E X's text front end: text in three languages to the model's 70 symbols.

`"Hello."` becomes `hɛˈloʊ.`, as numbers, with a language's number beside each. Every segment is
read by its own language and ends like a sentence, as in training. An accent changes no symbol, only
the languages beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from realtime.engines.valle import text_chinese, text_english, text_japanese
from realtime.errors import NothingToSay
from realtime.text.language import Segment, resolve_language, segments
from realtime.text.normalise import clean

SPECIAL = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
SYMBOLS = (
    *SPECIAL,
    *"!#*,-.=?NQ^_`abdefghijklmnopstuvwxyz~æçðŋɑɔəɛɥɪɫɯɸɹɾʃʊʑʒʰˈˌθ…⁼↑→↓",
)  # fmt: skip
IDS: Mapping[str, int] = {symbol: place for place, symbol in enumerate(SYMBOLS)}
LANGUAGE_IDS: Mapping[str, int] = {"en": 0, "zh": 1, "ja": 2}  # the model's, not the presets'
READERS: Mapping[str, Callable[[str], str]] = {
    "en": text_english.read,
    "zh": text_chinese.read,
    "ja": text_japanese.read,
}
_BLANKS = re.compile(r"\s+")
_ENDS = frozenset(".,!?-…~")


@dataclass(frozen=True)
class Encoded:
    """A text as the model takes it: the numbers of its symbols, and a language for each."""

    ids: tuple[int, ...]
    languages: tuple[int, ...]


def encode(text: str, language: str = "auto", accent: str | None = None) -> Encoded:
    """Encode a text, with language tags or without.

    With an accent all symbols get that language.
    """
    text = clean(text)
    return encode_segments(segments(text, resolve_language(text, language)), accent)


def encode_segments(parts: Sequence[Segment], accent: str | None = None) -> Encoded:
    """Encode a text whose parts and their languages are known."""
    ids: list[int] = []
    languages: list[int] = []
    for part in parts:
        symbols = [IDS[symbol] for symbol in read(part.text, part.language)]
        ids += symbols
        languages += [LANGUAGE_IDS[accent or part.language]] * len(symbols)
    if not ids:
        raise NothingToSay("The text holds nothing that can be spoken.", field="text")
    return Encoded(tuple(ids), tuple(languages))


def read(text: str, language: str) -> str:
    """Return the symbols of a text in one language; "" when nothing in it can be spoken."""
    symbols = READERS[language](_BLANKS.sub(" ", text).strip())
    symbols = "".join(symbol for symbol in symbols if symbol in IDS or symbol == " ").rstrip()
    if all(symbol in _ENDS or symbol == " " for symbol in symbols):
        return ""
    return (symbols if symbols[-1] in _ENDS else symbols + ".").replace(" ", "_")


def decode(ids: Sequence[int]) -> str:
    """Return the symbols of ids, so that a person can read what a prompt says."""
    return "".join(SYMBOLS[number] for number in ids)
