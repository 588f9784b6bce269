"""Chinese in GPT-SoVITS's phones: words by jieba, readings by pypinyin, tones as they are spoken.

Every syllable is two phones, an initial and a toned final.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from realtime.engines.gpt_sovits.text.chinese_tones import (
    ChineseWord,
    Syllables,
    join_for_sandhi,
    spoken_tones,
)
from realtime.engines.gpt_sovits.text.phone_reading import PhoneReading
from realtime.engines.gpt_sovits.text.symbols import (
    FINALS,
    INITIALS,
    PUNCTUATION,
    TONES,
    UNKNOWN,
)
from realtime.text import chinese

Readings = Callable[[str], Sequence[str | None]]

_SYLLABLE = re.compile(rf"({'|'.join(sorted(INITIALS, key=len, reverse=True))})?(.+)([{TONES}])")
_AFTER_SIGN = re.compile(f"(?<=[{re.escape(PUNCTUATION)}])")
_ONSETS = {"a": "AA", "e": "EE", "o": "OO"}
# Syllables without a row in the table, by a neighbour that sounds nearly the same.
_NEIGHBOURS = {"ê": "ei", "m": "mu", "n": "en", "ng": "en", "hm": "heng", "hng": "heng", "r": "er"}
_UMLAUT = {"u": "v", "uan": "van", "ue": "ve", "un": "vn"}  # written u after j, q, x and y
_Y_FINALS = {"an": "En", "e": "E"}


def speak(text: str, suffixes: bool = True, polyphones: Readings | None = None) -> PhoneReading:
    """Return the phones of a normalised Chinese text: Han characters and the six signs.

    `polyphones` gives the readings of the characters of a sentence that have several.
    """
    phones: list[str] = []
    counts: list[int] = []
    for sentence in _AFTER_SIGN.split(text):
        words = [ChineseWord(word, tag) for word, tag in chinese.tag_words(sentence)]
        chosen = polyphones(sentence) if polyphones and sentence else ()
        place = 0
        for word in join_for_sandhi(words, readings):
            end = place + len(word.text)
            syllables = _with_chosen(word.text, chosen[place:end])
            place = end
            for syllable in spoken_tones(word, syllables, suffixes):
                found = to_phones(syllable)
                phones += found
                counts.append(len(found))
    return PhoneReading(text, phones, counts)


@lru_cache(maxsize=4096)
def _readings(word: str) -> tuple[str, ...]:
    from pypinyin import Style, lazy_pinyin

    return tuple(lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, errors=_apart))


def _apart(characters: str) -> Any:
    """Keep characters without a reading apart, one for each place of the word."""
    return list(characters)


def readings(word: str) -> Syllables:
    """Return a word's syllables in pinyin; a character without a reading stands for itself."""
    return list(_readings(word))


def _with_chosen(word: str, chosen: Sequence[str | None]) -> Syllables:
    """Return a word's syllables; a word of the dictionary is read by it, whatever was chosen."""
    from pypinyin.constants import PHRASES_DICT

    syllables = readings(word)
    if word in PHRASES_DICT or not chosen:
        return syllables
    return [pinyin or usual for pinyin, usual in zip(chosen, syllables, strict=True)]


def to_phones(syllable: str) -> list[str]:
    """Return the phones of a syllable: two, or one for a sign and for what cannot be read."""
    if syllable in PUNCTUATION:
        return [syllable]
    match = _SYLLABLE.fullmatch(syllable)
    if match is None:
        bare = _NEIGHBOURS.get(syllable[:-1]) if syllable[-1:] in TONES else None
        return to_phones(bare + syllable[-1]) if bare else [UNKNOWN]
    initial, final, tone = match[1] or "", match[2], match[3]
    if initial + final in _NEIGHBOURS:
        return to_phones(_NEIGHBOURS[initial + final] + tone)
    onset = initial or _ONSETS.get(final[0], UNKNOWN)
    final = _final(initial, final)
    return [onset, final + tone if final in FINALS else UNKNOWN]


def _final(initial: str, final: str) -> str:
    if final == "i" and initial in ("zh", "ch", "sh", "r"):
        return "ir"
    if final == "i" and initial in ("z", "c", "s"):
        return "i0"
    if initial == "y" and final in _Y_FINALS:
        return _Y_FINALS[final]
    return _UMLAUT.get(final, final) if initial in ("j", "q", "x", "y") else final
