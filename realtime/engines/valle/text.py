"""VALL-E X's text front end: three languages in its 70 symbols, a language for each of them.

A symbol is one character. Every segment is read by its own language and ends like a sentence, as
the model was taught; an accent changes no reading, only the language that colours the sounds.
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
    """A text as the model takes it: symbols, and a language for each."""

    ids: tuple[int, ...]
    languages: tuple[int, ...]


def encode(text: str, language: str = "auto", accent: str | None = None) -> Encoded:
    """A text, tagged or not; with an accent one language colours everything."""
    text = clean(text)
    return encoded(segments(text, resolve_language(text, language)), accent)


def encoded(parts: Sequence[Segment], accent: str | None = None) -> Encoded:
    """The same for a text whose parts are known already."""
    ids: list[int] = []
    languages: list[int] = []
    for part in parts:
        said = [IDS[sign] for sign in read(part.text, part.language)]
        ids += said
        languages += [LANGUAGE_IDS[accent or part.language]] * len(said)
    if not ids:
        raise NothingToSay("The text holds nothing that can be spoken.", field="text")
    return Encoded(tuple(ids), tuple(languages))


def read(text: str, language: str) -> str:
    """The symbols of a text in one language; nothing when nothing in it can be spoken."""
    said = READERS[language](_BLANKS.sub(" ", text).strip())
    said = "".join(sign for sign in said if sign in IDS or sign == " ").rstrip()
    if all(sign in _ENDS or sign == " " for sign in said):
        return ""
    return (said if said[-1] in _ENDS else said + ".").replace(" ", "_")


def decoded(ids: Sequence[int]) -> str:
    """The symbols of ids: what a prompt says can be read without any weights."""
    return "".join(SYMBOLS[number] for number in ids)
