"""English phonemes of the project's reader in ARPABET, with the stress at each vowel."""

from __future__ import annotations

import re
from collections.abc import Sequence

_STRESSES = {"ˈ": "1", "ˌ": "2"}
_VOWELS = {
    "əɹ": "ER", "ɜɹ": "ER", "ɜː": "ER", "ɚ": "ER", "ɝ": "ER", "A": "EY", "I": "AY", "W": "AW",
    "Y": "OY", "O": "OW", "Q": "OW", "ɑ": "AA", "ɒ": "AA", "æ": "AE", "ʌ": "AH", "ə": "AH",
    "ɐ": "AH", "ᵊ": "AH", "ɔ": "AO", "ɛ": "EH", "e": "EH", "ɜ": "ER", "ɪ": "IH", "ᵻ": "IH",
    "i": "IY", "ʊ": "UH", "u": "UW", "a": "AA", "o": "OW",
}  # fmt: skip
_CONSONANTS = {
    "ʧ": "CH", "ʤ": "JH", "ð": "DH", "θ": "TH", "ŋ": "NG", "ʃ": "SH", "ʒ": "ZH", "ɹ": "R", "r": "R",
    "ɾ": "T", "T": "T", "ʔ": "T", "j": "Y", "h": "HH", "ɡ": "G",
    **{letter: letter.upper() for letter in "bdfgklmnpstvwz"},
}  # fmt: skip
_SOUND = re.compile("|".join(sorted([*_VOWELS, *_CONSONANTS, *_STRESSES], key=len, reverse=True)))
_WEAK = re.compile(r"[A-Z]{2}0")


def to_arpabet(phonemes: str) -> list[str]:
    """Return phonemes in ARPABET; a stress mark counts for the vowel after it."""
    phones: list[str] = []
    stress = "0"
    for sound in _SOUND.findall(phonemes):
        if sound in _STRESSES:
            stress = _STRESSES[sound]
        elif sound in _VOWELS:
            phones.append(_VOWELS[sound] + stress)
            stress = "0"
        else:
            phones.append(_CONSONANTS[sound])
    return phones


def same_sound(first: Sequence[str], second: Sequence[str]) -> bool:
    """Tell whether two words sound alike but for their weak vowels and secondary stress."""

    def plain(phones: Sequence[str]) -> list[str]:
        return ["0" if _WEAK.fullmatch(phone) else phone.replace("2", "1") for phone in phones]

    return plain(first) == plain(second)
