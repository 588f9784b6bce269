"""Chinese in VALL-E X's symbols: words by jieba, readings by pypinyin, tones as arrows."""

from __future__ import annotations

import re

from realtime.text import chinese

_BOPOMOFO = {
    "ㄅㄛ": "p⁼wo", "ㄆㄛ": "pʰwo", "ㄇㄛ": "mwo", "ㄈㄛ": "fwo", "ㄅ": "p⁼", "ㄆ": "pʰ",
    "ㄇ": "m", "ㄈ": "f", "ㄉ": "t⁼", "ㄊ": "tʰ", "ㄋ": "n", "ㄌ": "l", "ㄍ": "k⁼",
    "ㄎ": "kʰ", "ㄏ": "x", "ㄐ": "tʃ⁼", "ㄑ": "tʃʰ", "ㄒ": "ʃ", "ㄓ": "ts`⁼", "ㄔ": "ts`ʰ",
    "ㄕ": "s`", "ㄖ": "ɹ`", "ㄗ": "ts⁼", "ㄘ": "tsʰ", "ㄙ": "s", "ㄚ": "a", "ㄛ": "o",
    "ㄜ": "ə", "ㄝ": "ɛ", "ㄞ": "aɪ", "ㄟ": "eɪ", "ㄠ": "ɑʊ", "ㄡ": "oʊ", "ㄧㄢ": "jɛn",
    "ㄩㄢ": "ɥæn", "ㄢ": "an", "ㄧㄣ": "in", "ㄩㄣ": "ɥn", "ㄣ": "ən", "ㄤ": "ɑŋ",
    "ㄧㄥ": "iŋ", "ㄨㄥ": "ʊŋ", "ㄩㄥ": "jʊŋ", "ㄥ": "əŋ", "ㄦ": "əɻ", "ㄧ": "i",
    "ㄨ": "u", "ㄩ": "ɥ",
}  # fmt: skip
_TONES = {"ˉ": "→", "ˊ": "↑", "ˇ": "↓↑", "ˋ": "↓", "˙": ""}
_LETTERS = {
    "a": "ㄟˉ", "b": "ㄅㄧˋ", "c": "ㄙㄧˉ", "d": "ㄉㄧˋ", "e": "ㄧˋ", "f": "ㄝˊㄈㄨˋ",
    "g": "ㄐㄧˋ", "h": "ㄝˇㄑㄩˋ", "i": "ㄞˋ", "j": "ㄐㄟˋ", "k": "ㄎㄟˋ", "l": "ㄝˊㄛˋ",
    "m": "ㄝˊㄇㄨˋ", "n": "ㄣˉ", "o": "ㄡˉ", "p": "ㄆㄧˉ", "q": "ㄎㄧㄡˉ", "r": "ㄚˋ",
    "s": "ㄝˊㄙˋ", "t": "ㄊㄧˋ", "u": "ㄧㄡˉ", "v": "ㄨㄧˉ", "w": "ㄉㄚˋㄅㄨˋㄌㄧㄡˋ",
    "x": "ㄝˉㄎㄨˋㄙˋ", "y": "ㄨㄞˋ", "z": "ㄗㄟˋ",
}  # fmt: skip
_SIGNS = str.maketrans(
    {
        "，": ",", "。": ".", "．": ".", "！": "!", "？": "?", "、": ",", "；": ",", "：": ",",
        ";": ",", ":": ",", "—": "-", "～": "~",
    }
)  # fmt: skip
_SOUNDS = {**_BOPOMOFO, **_TONES}
_SOUND = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LETTER = re.compile(r"[a-z]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_YEAR = re.compile(r"(?<!\d)\d{4}(?=年)")
_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_GLIDES = ((re.compile(r"i(?=[aoe])"), "j"), (re.compile(r"u(?=[aoəe])"), "w"))
# A hissing consonant without a vowel (四, 是) is a syllable of its own: its sound is drawn out.
_SYLLABIC = re.compile(r"(s`|ɹ`|s)([⁼ʰ]?)(?=[→↓↑ ]|$)")


def read(text: str) -> str:
    """Return the symbols of a Chinese text, with spaces between words."""
    symbols = ""
    for word in chinese.cut_words(spell_out(text).translate(_SIGNS)):
        if _HAN.search(word):
            symbols += (" " if symbols else "") + _to_bopomofo(word)
        else:
            symbols += _LETTER.sub(lambda match: _LETTERS[match[0]], word.lower())
    symbols = _SOUND.sub(lambda match: _SOUNDS[match[0]], symbols)
    for vowel, glide in _GLIDES:
        symbols = vowel.sub(glide, symbols)
    symbols = _SYLLABIC.sub(_draw_out, symbols)
    return symbols.replace("ɻ", "ɹ`")


def spell_out(text: str) -> str:
    """Write a text's numbers in words; a year is written digit by digit."""
    import cn2an

    text = chinese.units_in_words(text)
    text = _YEAR.sub(lambda match: "".join(_DIGITS[digit] for digit in match[0]), text)
    return _NUMBER.sub(lambda match: str(cn2an.an2cn(match[0])), text)


def _to_bopomofo(word: str) -> str:
    """Return a word's syllables in bopomofo, each with its tone."""
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(word, Style.BOPOMOFO)
    return "".join(part if part[-1:] in _TONES else _add_first_tone(part) for part in syllables)


def _add_first_tone(syllable: str) -> str:
    """Write the first tone behind a syllable: pypinyin leaves it out."""
    return syllable + "ˉ" if "\u3105" <= syllable[-1:] <= "\u3129" else syllable


def _draw_out(match: re.Match[str]) -> str:
    return f"{match[0]}ɹ`" if match[1].endswith("`") else f"{match[0]}ɹ"
