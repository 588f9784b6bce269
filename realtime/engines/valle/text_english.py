"""English in VALL-E X's symbols: by the CMU dictionary, else by the project's English reader."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from realtime.engines.valle import cmu_dictionary
from realtime.text import english
from realtime.text.english_numbers import spell_numbers

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
# The border between a number and letters without a space: "mp3", "4x4", but not "21st".
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
    """Return the symbols of an English text, with spaces between words."""
    words = [_read_part(part) for part in spell_out(text).split()]
    return " ".join(filter(None, words)).replace("...", "…")


def spell_out(text: str) -> str:
    """Write a text in plain lower-case letters, its numbers and abbreviations in words."""
    text = english.prepare(text).replace("°C", " degrees").replace("°", " degrees")
    text = _MEASURE.sub(lambda match: f" {_MEASURES[match[1]]}", _drop_accents(text).lower())
    text = _GLUED.sub(" ", text)
    text = spell_numbers(text).translate(_SIGNS)  # numbers first: a colon in a time is no pause
    return _ABBREVIATED.sub(lambda match: _ABBREVIATIONS[match[1]], text)


def _drop_accents(text: str) -> str:
    """Return the letters without their accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def _read_part(part: str) -> str:
    """Return the symbols of what stands between two spaces: words, and the signs around them."""
    symbols, place = "", 0
    for match in _WORD.finditer(part):
        between = _keep_signs(part[place : match.start()])
        # A stop inside a word, as in U.S., ends no sentence; the letters stay separate words.
        symbols += (between.strip(".-") or " ") if symbols else between
        symbols += _read_word(match[0])
        place = match.end()
    return symbols + _keep_signs(part[place:])


def _keep_signs(text: str) -> str:
    return "".join(sign for sign in text if sign in _SPOKEN_SIGNS)


@lru_cache(maxsize=4096)
def _read_word(word: str) -> str:
    word = word.strip("'")
    phonemes = cmu_dictionary.pronounce(word)
    if phonemes is None and "-" in word:
        return " ".join(filter(None, map(_read_word, word.split("-"))))
    if phonemes is None:
        phonemes = "".join(sound.phonemes for sound in english.read(word)).strip()
    symbols = "".join(_LETTERS.get(phoneme, phoneme) for phoneme in phonemes)
    return _mark_dark_l(symbols)


def _mark_dark_l(word: str) -> str:
    """Replace the first l after a word's last vowel by a dark one, as in "bottle"."""
    vowels = [match.end() for match in _VOWELS.finditer(word)]
    end = vowels[-1] if vowels else 0
    return word[:end] + word[end:].replace("l", "ɫ", 1)
