"""The reading of a text: from a sentence to the phones that GPT-SoVITS's networks take.

A sentence is read in parts of one language each. Chinese parts know the phones of each character,
so that BERT's features can be spread over them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from realtime.engines.gpt_sovits.text import chinese, english, japanese, korean, mixed
from realtime.engines.gpt_sovits.text.chinese import Readings
from realtime.engines.gpt_sovits.text.chinese_normalise import normalise as normalise_chinese
from realtime.engines.gpt_sovits.text.cutting import LONGEST, bound, with_end
from realtime.engines.gpt_sovits.text.english_normalise import normalise as normalise_english
from realtime.engines.gpt_sovits.text.phone_reading import PhoneReading
from realtime.engines.gpt_sovits.text.symbols import (
    PUNCTUATION,
    UNKNOWN,
    Table,
    encode,
    known_table,
    with_unknown,
)
from realtime.errors import BadRequest, NothingToSay

FEWEST = 6  # phones under which a text is read once more, after a full stop
_NAMES = {"zh": "Chinese", "ja": "Japanese", "en": "English", "ko": "Korean", "yue": "Cantonese"}
READABLE: Mapping[Table, tuple[str, ...]] = {
    "v1": ("zh", "ja", "en"),  # its table has no Korean letters
    "v2": ("zh", "ja", "en", "ko"),
}
_SILENT = frozenset((*PUNCTUATION, UNKNOWN, korean.BLANK, korean.OTHER))
_BLANKS = re.compile(" {2,}")
_LATIN = re.compile(r"([A-Za-z](?:[A-Za-z' ]*[A-Za-z])?)")
# Signs that mean a silence of a certain kind; a price is none.
_SILENCES = ((re.compile(r"￥(?!\s?\d)"), "SP2"), (re.compile(r"\^"), "SP3"))


@dataclass(frozen=True)
class Phones:
    """A part of a text in one language.

    `word2ph` are the phones of each character of `normal_text`; only Chinese parts have them.
    """

    language: str
    normal_text: str
    phones: tuple[str, ...]
    ids: tuple[int, ...]
    word2ph: tuple[int, ...] = ()


def read(
    text: str, language: str, symbols: str, polyphones: Readings | None = None
) -> tuple[Phones, ...]:
    """Read a sentence in a language of a request, `zh` or `auto`, with a table of symbols.

    `polyphones` reads Chinese characters that have several readings; else their words decide.
    """
    table = known_table(symbols)
    language = mixed.known_language(language, table)
    parts = _read(text, language, table, polyphones)
    if all(phone in _SILENT for part in parts for phone in part.phones):
        raise NothingToSay("The text holds nothing that can be spoken.", field="text")
    if sum(len(part.ids) for part in parts) < FEWEST:
        parts = _read("." + text, language, table, polyphones)
    return parts


def read_prompt(
    text: str, language: str, symbols: str, polyphones: Readings | None = None
) -> tuple[Phones, ...]:
    """Read the text of a reference clip: whole, and with a full stop when it has no end."""
    text = text.strip("\n")
    ended = with_end(text, language.lower()) if text else text
    return read(ended, language, symbols, polyphones)


def prepare() -> None:
    """Load the dictionaries of all languages; the first line would wait seconds for them."""
    for text, language in (("你好。", "zh"), ("はい。", "ja"), ("The house of Yamabiko.", "en")):
        read(text, language, "v2")


def _read(
    text: str, language: str, table: Table, polyphones: Readings | None
) -> tuple[Phones, ...]:
    text = _BLANKS.sub(" ", text.replace("\n", " "))
    return tuple(
        part
        for piece in _bounded(text)
        for segment in mixed.parts(piece, language)
        for part in _speak(segment.text, segment.language, table, polyphones)
    )


def _bounded(text: str) -> list[str]:
    """Cut a text that is too long for BERT: the text of a clip, or one whose numbers grew."""
    return bound(text) if len(text) > LONGEST else [text]


def _speak(text: str, language: str, table: Table, polyphones: Readings | None) -> Iterator[Phones]:
    if language not in READABLE[table]:
        known = ", ".join(_NAMES[readable] for readable in READABLE[table])
        raise BadRequest(
            f"{_NAMES[language]} text cannot be read; what can be read is {known}.", field="text"
        )
    if language == "zh":
        yield from _speak_chinese(text, table, polyphones)
        return
    if language == "en":
        spoken = english.speak(normalise_english(text))
    elif language == "ko":
        spoken = korean.speak(korean.normalise(text))
    else:
        spoken = japanese.speak(japanese.normalise(text))
    if spoken.phones:
        yield _encoded(spoken, language, table)


def _speak_chinese(text: str, table: Table, polyphones: Readings | None) -> Iterator[Phones]:
    """Read a Chinese text; Latin letters that its numbers and units leave are read in English."""
    silence = None
    for mark, symbol in _SILENCES:
        if silence is None and mark.search(text):
            silence, text = symbol, mark.sub(",", text)
    for place, piece in enumerate(_LATIN.split(normalise_chinese(text))):
        if place % 2:
            yield _encoded(english.speak(normalise_english(piece)), "en", table)
            continue
        for bounded in filter(None, _bounded(piece)):
            spoken = chinese.speak(bounded, table != "v1", polyphones)
            if silence:
                phones = [silence if phone == "," else phone for phone in spoken.phones]
                spoken = spoken._replace(phones=phones)
            yield _encoded(spoken, "zh", table)


def _encoded(spoken: PhoneReading, language: str, table: Table) -> Phones:
    phones = with_unknown(spoken.phones, table)
    return Phones(language, spoken.text, phones, encode(phones, table), tuple(spoken.counts))
