"""Korean in GPT-SoVITS's phones: letters as they sound beside each other, by the standard rules.

No dictionary is asked, so what depends on a word's kind or origin is read by the usual case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from realtime.engines.gpt_sovits.text.cutting import shrink_signs
from realtime.engines.gpt_sovits.text.digits import plain_digits
from realtime.engines.gpt_sovits.text.korean_numbers import say_numbers
from realtime.engines.gpt_sovits.text.phone_reading import PhoneReading
from realtime.engines.gpt_sovits.text.symbols import PUNCTUATION

BLANK, OTHER = "空", "停"
_FIRST, _LAST = 0xAC00, 0xD7A3  # of the syllables in Unicode
_ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_CODAS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_SPLIT = {
    "ㅑ": "ㅣㅏ", "ㅒ": "ㅣㅐ", "ㅕ": "ㅣㅓ", "ㅖ": "ㅣㅔ", "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ",
    "ㅚ": "ㅗㅣ", "ㅛ": "ㅣㅗ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ", "ㅠ": "ㅣㅜ",
    "ㅢ": "ㅡㅣ",
}  # fmt: skip
_PAIRS = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
# A coda as it sounds before a consonant and at the end.
_PLAIN = {
    **dict.fromkeys("ㄲㅋㄳㄺ", "ㄱ"), **dict.fromkeys("ㅅㅆㅈㅊㅌㅎ", "ㄷ"),
    **dict.fromkeys("ㅍㅄㄿ", "ㅂ"), **dict.fromkeys("ㄼㄽㄾㅀ", "ㄹ"),
    **dict.fromkeys("ㄵㄶ", "ㄴ"), "ㄻ": "ㅁ",
}  # fmt: skip
_TENSE = dict(zip("ㄱㄷㅂㅅㅈ", "ㄲㄸㅃㅆㅉ", strict=True))
_TENSE_AFTER = frozenset("ㄱㄲㅋㄳㄺㄷㅅㅆㅈㅊㅌㅂㅍㅄㄿㄵㄻㄼㄾ")
_ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ", "ㅋ": "ㅋ", "ㅍ": "ㅍ", "ㄲ": "ㅋ"}
_ASPIRATED |= dict.fromkeys("ㅅㅆㅊㅌ", "ㅌ")
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
_PALATAL = {"ㄷ": "ㅈ", "ㅌ": "ㅊ"}
_SIGNS = {
    "，": ",", "、": ",", "：": ",", "；": ",", ":": ",", ";": ",", "·": ",", "。": ".", "！": "!",
    "？": "?", "~": "…", "～": "…", "\n": ".", **{sign: sign for sign in PUNCTUATION},
}  # fmt: skip
_SYLLABLES = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]+")

Syllable = tuple[str, str, str]  # onset, vowel, coda


def normalise(text: str) -> str:
    """Leave the first of several signs in a row; nothing else is rewritten."""
    return shrink_signs(text)


def speak(text: str) -> PhoneReading:
    """Return the phones of a Korean text; one that ends with a letter gets a full stop."""
    said = say_numbers(plain_digits(unicodedata.normalize("NFC", text)))
    phones: list[str] = []
    place = 0
    for match in _SYLLABLES.finditer(said):
        phones += map(_other, said[place : match.start()])
        for syllable in sounds([_letters(character) for character in match[0]]):
            phones += _phones(syllable)
        place = match.end()
    phones += map(_other, said[place:])
    if phones and phones[-1] not in _SIGNS.values():
        phones.append(".")
    return PhoneReading(text, phones, [])


def sounds(syllables: list[Syllable]) -> Iterator[Syllable]:
    """Yield the syllables of a word as they sound."""
    onset = syllables[0][0] if syllables else ""
    for place, (written, vowel, coda) in enumerate(syllables):
        following = syllables[place + 1] if place + 1 < len(syllables) else None
        if following is None:
            end, next_onset = _PLAIN.get(coda, coda), ""
        else:
            end, next_onset = _meet((written, vowel, coda), following)
        yield onset, _vowel(onset, vowel), end
        onset = next_onset


def _meet(syllable: Syllable, following: Syllable) -> tuple[str, str]:
    """Return a coda and the onset after it as they sound together."""
    coda, (onset, vowel, end) = syllable[2], following
    if not coda:
        return coda, onset
    if onset == "ㅇ":
        return _link(coda, vowel)
    rest, last = ("", coda) if coda not in _PAIRS else (_PAIRS[coda][0], _PAIRS[coda][1])
    if onset == "ㅎ" and last in _ASPIRATED and coda not in ("ㄽ", "ㅄ", "ㄳ"):
        palatal = last == "ㄷ" and (vowel == "ㅣ" or (vowel == "ㅕ" and end in ("", "ㅆ")))
        return rest, "ㅊ" if palatal else _ASPIRATED[last]
    if last == "ㅎ":
        if onset in "ㄱㄷㅈ":
            return rest, _ASPIRATED[onset]
        if onset == "ㅅ":
            return rest, "ㅆ"
    if coda in _TENSE_AFTER and syllable != ("ㅅ", "ㅏ", "ㄻ"):  # 삶 is a noun as a rule
        onset = _TENSE.get(onset, onset)
    return _assimilate(_before_consonant(syllable, onset), onset)


def _link(coda: str, vowel: str) -> tuple[str, str]:
    """Move a coda to the next syllable, which begins with a vowel."""
    if coda in ("ㅇ", "ㅎ"):
        return coda.replace("ㅎ", ""), "ㅇ"
    rest, last = ("", coda) if coda not in _PAIRS else (_PAIRS[coda][0], _PAIRS[coda][1])
    if last == "ㅎ":
        return "", rest
    if vowel in "ㅣㅕ" and last in _PALATAL:  # 같이, 굳이, 붙여
        return rest, _PALATAL[last]
    return rest, "ㅆ" if rest and last == "ㅅ" else last


def _before_consonant(syllable: Syllable, onset: str) -> str:
    first, vowel, coda = syllable
    if coda == "ㄺ" and onset == "ㄲ" and (first, vowel) not in (("ㄷ", "ㅏ"), ("ㅎ", "ㅡ")):
        return "ㄹ"  # 맑게, but 닭과 and 흙과
    if (first, vowel, coda) == ("ㅂ", "ㅏ", "ㄼ"):
        return "ㅂ"  # 밟다
    return _PLAIN.get(coda, coda)


def _assimilate(coda: str, onset: str) -> tuple[str, str]:
    """Return a plain coda and an onset, one of which may become like the other."""
    if onset in ("ㄴ", "ㅁ"):
        if coda == "ㄹ" and onset == "ㄴ":
            return "ㄹ", "ㄹ"
        return _NASAL.get(coda, coda), onset
    if onset == "ㄹ":
        if coda in ("ㄴ", "ㄹ"):
            return "ㄹ", "ㄹ"
        return _NASAL.get(coda, coda), "ㄴ"
    return coda, onset


def _vowel(onset: str, vowel: str) -> str:
    if onset in ("ㅈ", "ㅉ", "ㅊ") and vowel == "ㅕ":
        return "ㅓ"
    return "ㅣ" if vowel == "ㅢ" and onset != "ㅇ" else vowel


def _letters(syllable: str) -> Syllable:
    rest, coda = divmod(ord(syllable) - _FIRST, len(_CODAS))
    onset, vowel = divmod(rest, len(_VOWELS))
    return _ONSETS[onset], _VOWELS[vowel], _CODAS[coda]


def _phones(syllable: Syllable) -> Iterator[str]:
    onset, vowel, coda = syllable
    yield onset
    yield from _SPLIT.get(vowel, vowel)
    yield from coda


def _other(character: str) -> str:
    """Return the phone of what is no syllable; a letter alone stands for itself."""
    if character.isspace() and character != "\n":
        return BLANK
    if character in _ONSETS or (character in _VOWELS and character not in _SPLIT):
        return character
    return _SIGNS.get(character, OTHER)
