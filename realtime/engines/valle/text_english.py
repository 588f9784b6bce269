"""English in VALL-E X's symbols: the CMU dictionary's words, the English reader's for the rest."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from realtime.engines.valle import cmu_dictionary
from realtime.engines.valle.english_numbers import in_words
from realtime.text import english

_ABBREVIATIONS = {
    "mrs": "misess", "mr": "mister", "dr": "doctor", "st": "saint", "co": "company",
    "jr": "junior", "maj": "major", "gen": "general", "drs": "doctors", "rev": "reverend",
    "lt": "lieutenant", "hon": "honorable", "sgt": "sergeant", "capt": "captain",
    "esq": "esquire", "ltd": "limited", "col": "colonel", "ft": "fort",
}  # fmt: skip
_ABBREVIATED = re.compile(rf"\b({'|'.join(_ABBREVIATIONS)})\.")
_SIGNS = str.maketrans(
    {
        "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "―": "-", "…": "...",
        "，": ",", "。": ".", "！": "!", "？": "?", "、": ",", ";": ",", ":": ",", "；": ",",
        "：": ",", "～": "~", "%": " percent ", "&": " and ", "@": " at ", "+": " plus ",
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "th", "þ": "th",
    }
)  # fmt: skip
_MEASURES = {
    "kg": "kilograms", "km": "kilometers", "cm": "centimeters", "mm": "millimeters",
    "km/h": "kilometers per hour", "mph": "miles per hour", "ml": "milliliters",
}  # fmt: skip
_MEASURE = re.compile(rf"(?<=\d) ?({'|'.join(sorted(_MEASURES, reverse=True))})\b")
# A number and the letters that it is written together with.
_GLUED = re.compile(r"(?<=\d)(?!(?:st|nd|rd|th)\b)(?=[a-z])|(?<=[a-z])(?=\d)")
_WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*'?")
_SPOKEN_SIGNS = frozenset("!,-.?~…")
_LETTERS = {
    "A": "eɪ", "I": "aɪ", "W": "aʊ", "Y": "ɔɪ", "O": "oʊ", "Q": "oʊ", "ʤ": "dʒ", "ʧ": "tʃ",
    "T": "t", "ɡ": "g", "ɜ": "ə", "ʌ": "ə", "ᵊ": "ə", "ᵻ": "ɪ", "ɐ": "ə", "ɒ": "ɑ", "r": "ɹ",
    "ː": "", "ɚ": "əɹ", "ɝ": "əɹ", "ɾ": "t", "ʔ": "t",
}  # fmt: skip
_VOWELS = re.compile(r"[aeiouæɑɔəɛɪʊ]")


def read(text: str) -> str:
    """The symbols that say an English text; words stand apart by spaces."""
    words = [_said(part) for part in spoken(text).split()]
    return " ".join(filter(None, words)).replace("...", "…")


def spoken(text: str) -> str:
    """In lower-case Latin letters without marks, its numbers and abbreviations in words."""
    text = english.prepare(text).replace("°C", " degrees").replace("°", " degrees")
    text = _MEASURE.sub(lambda found: f" {_MEASURES[found[1]]}", _plain(text).lower())
    text = _GLUED.sub(" ", text)
    text = in_words(text).translate(_SIGNS)  # times before their colon becomes a pause
    return _ABBREVIATED.sub(lambda found: _ABBREVIATIONS[found[1]], text)


def _plain(text: str) -> str:
    """Letters without their accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def _said(part: str) -> str:
    """One word with the signs around it."""
    said, place = "", 0
    for found in _WORD.finditer(part):
        between = _signs(part[place : found.start()])
        # A stop inside a word, as in U.S., ends no sentence; letters stay apart all the same.
        said += (between.strip(".-") or " ") if said else between
        said += _word(found[0])
        place = found.end()
    return said + _signs(part[place:])


def _signs(text: str) -> str:
    return "".join(sign for sign in text if sign in _SPOKEN_SIGNS)


@lru_cache(maxsize=4096)
def _word(word: str) -> str:
    word = word.strip("'")
    said = cmu_dictionary.pronounced(word)
    if said is None and "-" in word:
        return " ".join(filter(None, map(_word, word.split("-"))))
    if said is None:
        said = "".join(sound.phonemes for sound in english.read(word)).strip()
    said = "".join(_LETTERS.get(sign, sign) for sign in said)
    return _dark(said)


def _dark(word: str) -> str:
    """The first l that no vowel of its word follows is a dark one."""
    vowels = [found.end() for found in _VOWELS.finditer(word)]
    end = vowels[-1] if vowels else 0
    return word[:end] + word[end:].replace("l", "ɫ", 1)
