"""Accents: the phonemes of a language replaced by the nearest sounds of another."""

from __future__ import annotations

import re

# The tables map phonemes as the readers write them; a sign that a table lacks stays as it is.
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
    """Tell whether a text is all Han characters, digits and signs, so that Chinese can read it."""
    return _HAN_ONLY.fullmatch(text) is not None


def apply_accent(phonemes: str, language: str, accent: str) -> str:
    """Replace the phonemes of a language by the nearest sounds of the accent, `en` or `zh`.

    A Japanese accent needs no table: the Japanese reader reads foreign text itself.
    """
    if accent == "en":
        table = _TO_ENGLISH[language]
        plain = "".join(table.get(sign, sign) for sign in phonemes)
        return re.sub(r"\S+", lambda word: _stress(word[0]), plain)
    if language == "en":
        return _english_to_chinese(phonemes)
    return _japanese_to_chinese(phonemes)


def _stress(word: str) -> str:
    """Put a stress before the first vowel: every English word has one."""
    for place, sign in enumerate(word):
        if sign in _ENGLISH_VOWELS:
            return f"{word[:place]}ˈ{word[place:]}"
    return word


def _japanese_to_chinese(phonemes: str) -> str:
    """Replace the sounds, with a level tone on every vowel."""
    found = ""
    for sign in phonemes:
        found += _JAPANESE_TO_CHINESE.get(sign, sign)
        if sign in _JAPANESE_VOWELS:
            found += "→"
    return found


def _english_to_chinese(phonemes: str) -> str:
    """Replace the sounds; a stressed vowel gets the falling tone, another the level one."""
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
