"""A language's phonemes in the mouth of another's native: the nearest sounds; no reader."""

from __future__ import annotations

import re

_HAN_ONLY = re.compile(r"[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af\W\d]*")
_TONES = "→↗↓↘"
_JAPANESE_VOWELS = "aeioɯɨu"
_TO_ENGLISH = {
    "ja": {
        "ɾ": "ɹ", "ɯ": "u", "ɨ": "u", "ɕ": "ʃ", "ʥ": "ʤ", "ʨ": "ʧ", "ɲ": "n", "ɴ": "n",
        "ʔ": "", "ː": "",
        "ʣ": "z", "ʦ": "ts", "ç": "h", "ɸ": "f", "β": "w", "ʲ": "j", "ᵝ": "w", "a": "ɑ",
        "e": "ɛ", "o": "O",
    },
    "zh": {
        "ʂ": "ʃ", "ɕ": "ʃ", "ʨ": "ʧ", "ꭧ": "ʧ", "ʦ": "ts", "ʰ": "", "ɻ": "ɹ", "ɤ": "ʌ",
        "y": "ju", "ɥ": "j",
        "ɨ": "ɪ", "x": "h", "a": "ɑ", "o": "O", "ɚ": "ɜɹ", "e": "ɛ", "\u032f": "", "\u0329": "",
        **dict.fromkeys(_TONES, ""),
    },
}  # fmt: skip
_ENGLISH_VOWELS = frozenset("AIOQWYiuɑɔəɛɜɪʊʌæᵊᵻɒ")
_ENGLISH_TO_CHINESE = {
    "ð": "ʦ", "θ": "s", "v": "w", "ɹ": "ɻ", "ʃ": "ʂ", "ʒ": "ɻ", "ʧ": "ꭧʰ", "ʤ": "ꭧ", "z": "ʦ",
    "b": "p",
    "d": "t", "ɡ": "k", "p": "pʰ", "t": "tʰ", "k": "kʰ", "T": "t", "h": "x", "ˌ": "", "ː": "",
    "æ": "a", "ɑ": "a", "ʌ": "a", "ɔ": "o", "ɒ": "o", "ɪ": "i", "ᵻ": "i", "ʊ": "u", "ɜ": "ɤ",
    "ə": "ə",
    "ᵊ": "ə", "ɛ": "e", "A": "ei", "I": "ai", "W": "au", "O": "ou", "Q": "ou", "Y": "oi",
}  # fmt: skip
_JAPANESE_TO_CHINESE = {
    "ɾ": "l", "ɯ": "u", "ɨ": "ɨ", "ʥ": "ʨ", "ɲ": "n", "ɴ": "n", "ʔ": "", "ː": "", "ʣ": "ʦ",
    "z": "ʦ", "ç": "ɕ",
    "ɸ": "f", "β": "w", "ʲ": "j", "ᵝ": "w", "b": "p", "d": "t", "ɡ": "k", "h": "x", "v": "w",
}  # fmt: skip


def only_han(text: str) -> bool:
    """Whether a text can be read as another language that writes in Han characters."""
    return _HAN_ONLY.fullmatch(text) is not None


def coloured(phonemes: str, language: str, accent: str) -> str:
    """Phonemes of a language with the nearest sounds of the accent's own."""
    if accent == "en":
        table = _TO_ENGLISH[language]
        plain = "".join(table.get(sign, sign) for sign in phonemes)
        return re.sub(r"\S+", lambda word: _stressed(word[0]), plain)
    if language == "en":
        return _chinese_from_english(phonemes)
    plain = ""
    for sign in phonemes:
        plain += _JAPANESE_TO_CHINESE.get(sign, sign) + ("→" if sign in _JAPANESE_VOWELS else "")
    return plain


def _stressed(word: str) -> str:
    """English has a stress in each word; it falls on the first vowel here."""
    for place, sign in enumerate(word):
        if sign in _ENGLISH_VOWELS:
            return f"{word[:place]}ˈ{word[place:]}"
    return word


def _chinese_from_english(phonemes: str) -> str:
    """A stressed vowel falls, the others stay level."""
    found, stressed = "", False
    for sign in phonemes:
        if sign == "ˈ":
            stressed = True
            continue
        found += _ENGLISH_TO_CHINESE.get(sign, sign)
        if sign in _ENGLISH_VOWELS:
            found += "↘" if stressed else "→"
            stressed = False
    return found
