"""English words in phonetic letters, by the CMU dictionary.

Of several pronunciations the last one by its letters is taken, as in the model's training.
"""

from __future__ import annotations

from realtime.text.pronunciations import pronunciations

PRIMARY, SECONDARY = "ˈ", "ˌ"
_MARKS = {"1": PRIMARY, "2": SECONDARY}
_VOWELS = {
    "aa": "ɑ", "ae": "æ", "ah": "ə", "ao": "ɔ", "aw": "aʊ", "ay": "aɪ", "eh": "ɛ", "er": "ər",
    "ey": "eɪ", "ih": "ɪ", "iy": "i", "ow": "oʊ", "oy": "ɔɪ", "uh": "ʊ", "uw": "u",
}  # fmt: skip
_CONSONANTS = {
    "ch": "ʧ", "dh": "ð", "hh": "h", "jh": "ʤ", "ng": "ŋ", "sh": "ʃ", "th": "θ", "y": "j",
    "zh": "ʒ",
}  # fmt: skip
_STOPS = frozenset("b d g k p t".split())
# Sounds that cannot stand inside the beginning of a syllable, except for the pairs below.
_BARRIERS = frozenset("m n ng dh f s sh th v z zh w er".split()) | _VOWELS.keys()
_PAIRS = frozenset((("s", "p"), ("s", "t"), ("s", "k"), ("f", "r"), ("f", "l")))
# Two vowels in a row that are two syllables; all others are one.
_APART = frozenset(
    (
        ("er", "iy"), ("iy", "ow"), ("uw", "ow"), ("iy", "ah"), ("iy", "ey"), ("uw", "eh"),
        ("er", "eh"),
    )
)  # fmt: skip
_SWAPPED = ((PRIMARY + "ər", "ə" + PRIMARY + "r"), (PRIMARY + "ie", "i" + PRIMARY + "e"))


def pronounce(word: str) -> str | None:
    """Return a lower-case word in phonetic letters with its stresses; None when it is unknown."""
    entries = pronunciations(word)
    return max(map(to_phonetic, entries)) if entries else None


def to_phonetic(entry: str) -> str:
    """Return an entry of the dictionary, `hh ah0 l ow1`, in phonetic letters: `həˈloʊ`."""
    phones = [phone.rstrip("012") for phone in entry.split()]
    marks = [""] * len(phones)
    if _count_syllables(phones) > 1:  # words of one syllable have no mark
        for place, phone in enumerate(entry.split()):
            if phone[-1] in _MARKS:
                marks[_onset(phones, place)] += _MARKS[phone[-1]]
    letters = "".join(
        mark + (_VOWELS.get(phone) or _CONSONANTS.get(phone, phone))
        for mark, phone in zip(marks, phones, strict=True)
    )
    for usual, moved in _SWAPPED:
        if not letters.startswith(usual):
            letters = letters.replace(usual, moved)
    return letters


def _onset(phones: list[str], vowel: int) -> int:
    """Return where the syllable of a vowel begins."""
    for place in range(vowel - 1, -1, -1):
        phone, following = phones[place], phones[place + 1]
        before_vowel = place + 1 == vowel
        if phone in _BARRIERS or (not before_vowel and following in _STOPS):
            if before_vowel:
                return vowel if phone in _VOWELS else place
            return place if (phone, following) in _PAIRS else place + 1
    return 0


def _count_syllables(phones: list[str]) -> int:
    count = 0
    for place, phone in enumerate(phones):
        before = phones[place - 1] if place else ""
        if phone in _VOWELS and (before not in _VOWELS or (before, phone) in _APART):
            count += 1
    return count
