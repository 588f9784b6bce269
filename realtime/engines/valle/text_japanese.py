"""Japanese in VALL-E X's symbols: sounds by Open JTalk, with arrows where the pitch moves."""

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
# A moraic nasal (ん) and a double consonant (っ), by the first letter of the sound that follows.
_NASAL = {"p": "m", "b": "m", "m": "m", "c": "n^", "j": "n^", "t": "n", "d": "n", "n": "n"}
_NASAL |= {"k": "ŋ", "g": "ŋ"}
_DOUBLE = {"k": "k#", "g": "k#", "t": "t#", "d": "t#", "j": "t#", "c": "t#", "s": "s"}
_DOUBLE |= {"p": "p#", "b": "p#"}


@dataclass(frozen=True)
class Phoneme:
    """A sound of Open JTalk, and the mark after it."""

    name: str
    after: str = ""  # RISE, FALL or BREAK


def read(text: str) -> str:
    """Return the symbols of a Japanese text, with spaces between phrases."""
    result, place = "", 0
    with japanese.lock:
        text = japanese.rewrite_for_analyser(text.replace("%", "パーセント")).replace("...", "…")
    for match in _SPOKEN.finditer(text):
        result += _map_signs(text[place : match.start()])
        result += (" " if result else "") + to_symbols(tuple(_analyse(match[0])))
        place = match.end()
    return result + _map_signs(text[place:])


def to_symbols(phonemes: Sequence[Phoneme]) -> str:
    """Return the symbols of some sounds; a sound's symbol depends on the one after it."""
    result = ""
    for place, phoneme in enumerate(phonemes):
        following = phonemes[place + 1].name if place + 1 < len(phonemes) else ""
        result += _to_symbol(phoneme, following) + phoneme.after
    return result


def _to_symbol(phoneme: Phoneme, following: str) -> str:
    name = phoneme.name
    next_letter = "" if phoneme.after == BREAK else following[:1]
    if name == "N":
        return _NASAL.get(next_letter, "N")
    if name == "cl":
        return _DOUBLE.get(next_letter, "Q")
    if name in _BEFORE_I and following == "i" and not phoneme.after:
        return _BEFORE_I[name]
    if name not in _SOUNDS and len(name) == 2 and name[1] == "y":
        return _SOUNDS.get(name[0], name[0]) + "j"
    return _SOUNDS.get(name, name)


def _map_signs(text: str) -> str:
    return "".join(_SIGNS.get(sign, "") for sign in text)


def _analyse(text: str) -> Iterator[Phoneme]:
    """Yield the sounds of a text without signs, from Open JTalk's full-context labels."""
    import pyopenjtalk

    with japanese.lock:
        labels = pyopenjtalk.extract_fullcontext(text, use_sudachi_kanji_yomi=False)
    for label, following in zip(labels, [*labels[1:], ""], strict=False):
        name = _sound_name(label)
        if name not in _SILENCES:
            yield Phoneme(name, _mark_after(label, following))


def _mark_after(label: str, following: str) -> str:
    """Return a break at a phrase's end, a fall after its accent, a rise after its first mora."""
    accent, mora, left = _accent_numbers(label)
    next_mora = -1
    if _sound_name(following) not in ("", *_SILENCES):
        next_mora = _accent_numbers(following)[1]
    if left == 1 and next_mora == 1:
        return BREAK
    if accent == 0 and next_mora == mora + 1:
        return FALL
    return RISE if (mora, next_mora) == (1, 2) else ""


def _sound_name(label: str) -> str:
    match = _PHONEME.search(label)
    return match[1] if match else ""


def _accent_numbers(label: str) -> tuple[int, int, int]:
    """Return the distance from the accent, the mora's number in its phrase, and the moras left."""
    match = _ACCENT.search(label)
    return (int(match[1]), int(match[2]), int(match[3])) if match else (-1, -1, -1)
