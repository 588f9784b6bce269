"""Japanese in VALL-E X's symbols: what Open JTalk reads, with the rise and fall of its pitch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from realtime.text import japanese

RISE, FALL, BREAK = "↑", "↓", " "
_PHONEME = re.compile(r"-([^+]*)\+")
_ACCENT = re.compile(r"/A:(-?\d+)\+(\d+)\+(\d+)")
_SPOKEN = re.compile(r"[A-Za-z\d\u3005\u3040-\u30ff\u4e00-\u9fff]+")
_SIGNS = {
    "。": ".", "、": ",", "，": ",", "．": ".", "？": "?", "！": "!", "：": ",", "；": ",",
    "…": "…", "～": "~", "〜": "~", "—": "-", "―": "-", ".": ".", ",": ",", "?": "?", "!": "!",
    "~": "~", "-": "-", ":": ",", ";": ",",
}  # fmt: skip
_SOUNDS = {
    "ch": "tʃ", "sh": "ʃ", "u": "ɯ", "j": "dʑ", "y": "j", "f": "ɸ", "r": "ɾ", "I": "i*",
    "U": "ɯ*", "A": "a", "E": "e", "O": "o", "ny": "n^", "hy": "ç",
}  # fmt: skip
_BEFORE_I = {"n": "n^", "h": "ç"}
_SILENCES = ("sil", "pau")
# What a moraic nasal and a double consonant become, by the first letter of what follows.
_NASAL = {"p": "m", "b": "m", "m": "m", "c": "n^", "j": "n^", "t": "n", "d": "n", "n": "n"}
_NASAL |= {"k": "ŋ", "g": "ŋ"}
_DOUBLE = {"k": "k#", "g": "k#", "t": "t#", "d": "t#", "j": "t#", "c": "t#", "s": "s"}
_DOUBLE |= {"p": "p#", "b": "p#"}


@dataclass(frozen=True)
class Phoneme:
    """One sound of Open JTalk, and what the pitch does after it."""

    name: str
    after: str = ""


def read(text: str) -> str:
    """The symbols that say a Japanese text; phrases stand apart by spaces."""
    said, place = "", 0
    with japanese.lock:
        text = japanese.rewrite_for_analyser(text.replace("%", "パーセント")).replace("...", "…")
    for found in _SPOKEN.finditer(text):
        said += _signs(text[place : found.start()])
        said += (" " if said else "") + symbols(tuple(_phonemes(found[0])))
        place = found.end()
    return said + _signs(text[place:])


def symbols(phonemes: Sequence[Phoneme]) -> str:
    """Each sound in the light of the one after it."""
    said = ""
    for place, phoneme in enumerate(phonemes):
        following = phonemes[place + 1].name if place + 1 < len(phonemes) else ""
        said += _sound(phoneme, following) + phoneme.after
    return said


def _sound(phoneme: Phoneme, following: str) -> str:
    name = phoneme.name
    nearest = "" if phoneme.after == BREAK else following[:1]
    if name == "N":
        return _NASAL.get(nearest, "N")
    if name == "cl":
        return _DOUBLE.get(nearest, "Q")
    if name in _BEFORE_I and following == "i" and not phoneme.after:
        return _BEFORE_I[name]
    if name not in _SOUNDS and len(name) == 2 and name[1] == "y":
        return _SOUNDS.get(name[0], name[0]) + "j"
    return _SOUNDS.get(name, name)


def _signs(text: str) -> str:
    return "".join(_SIGNS.get(sign, "") for sign in text)


def _phonemes(text: str) -> Iterator[Phoneme]:
    """The sounds of a text without signs, as its full-context labels have them."""
    import pyopenjtalk

    with japanese.lock:
        labels = pyopenjtalk.extract_fullcontext(text, use_sudachi_kanji_yomi=False)
    for label, following in zip(labels, [*labels[1:], ""], strict=False):
        name = _name(label)
        if name not in _SILENCES:
            yield Phoneme(name, _after(label, following))


def _after(label: str, following: str) -> str:
    """A break at a phrase's end, a fall after its accent, a rise after its first mora."""
    accent, mora, left = _accent(label)
    next_mora = _accent(following)[1] if _name(following) not in ("", *_SILENCES) else -1
    if left == 1 and next_mora == 1:
        return BREAK
    if accent == 0 and next_mora == mora + 1:
        return FALL
    return RISE if (mora, next_mora) == (1, 2) else ""


def _name(label: str) -> str:
    found = _PHONEME.search(label)
    return found[1] if found else ""


def _accent(label: str) -> tuple[int, int, int]:
    """How far from the accent, which mora of the phrase, how many are left."""
    found = _ACCENT.search(label)
    return (int(found[1]), int(found[2]), int(found[3])) if found else (-1, -1, -1)
