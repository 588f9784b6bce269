"""Japanese in GPT-SoVITS's phones: sounds by Open JTalk, with marks where the pitch moves.

The mark of a phrase's border, `#`, has no symbol: the models were trained with UNK in its place,
and with UNK for brackets and quotation marks, which are borders too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from realtime.engines.gpt_sovits.text.cutting import shrink_signs
from realtime.engines.gpt_sovits.text.digits import plain_digits
from realtime.engines.gpt_sovits.text.phone_reading import PhoneReading
from realtime.engines.gpt_sovits.text.symbols import PUNCTUATION
from realtime.text import japanese

BORDER, FALL, RISE, PAUSE = "#", "]", "[", "_"
_SPOKEN = re.compile(
    r"[A-Za-z\d々\u3040-\u30ff\u4e00-\u9fff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uff9d]+"
)
_SIGNS = {
    "：": ",", "；": ",", "，": ",", "、": ",", "·": ",", ":": ",", ";": ",", "。": ".", "\n": ".",
    "！": "!", "？": "?", "～": "…", "〜": "…", "~": "…", "—": ",", "―": ",",
    **{sign: sign for sign in PUNCTUATION},
    **dict.fromkeys("「」『』（）()【】《》“”・\"'", BORDER),
}  # fmt: skip
_WORDS = str.maketrans({"％": "パーセント", "%": "パーセント", "＆": "アンド", "&": "アンド"})
_COMPATIBLE = re.compile(r"[\uff66-\uff9f\u3300-\u33ff]+")  # half-width kana, ㌔ and its like
_DECIMAL = re.compile(r"(?<=\d)\.(?=\d)")
_DRAWN_OUT = re.compile(r"(?<![\u3041-\u30ff])ー+|(?<=ーーー)ー+")  # after no sound, or too long
_LONGEST = 500  # characters that Open JTalk is given at once; it refuses some thousands
_SOUND = re.compile(r"-([^+]*)\+")
_ACCENT = re.compile(r"/A:(-?\d+)\+(\d+)\+(\d+)")
_MORAS = re.compile(r"/F:(\d+)_")
_ENDS_A_MORA = frozenset("aeiouAEIOUN") | {"cl"}
_ABSENT = -50  # no number of a label is so small


def normalise(text: str) -> str:
    """Leave the first of several signs in a row; nothing else is rewritten."""
    return shrink_signs(text)


def speak(text: str) -> PhoneReading:
    """Return the phones of a Japanese text; a sign that has none is left out."""
    text_as_usual = _COMPATIBLE.sub(
        lambda match: unicodedata.normalize("NFKC", match[0]), plain_digits(text)
    )
    with japanese.lock:
        prepared = japanese.rewrite_for_analyser(text_as_usual)
    prepared = _DECIMAL.sub("点", prepared).translate(_WORDS)
    prepared = _DRAWN_OUT.sub("", prepared)
    phones: list[str] = []
    place = 0
    for match in _SPOKEN.finditer(prepared):
        phones += _signs(prepared[place : match.start()])
        for start in range(0, len(match[0]), _LONGEST):
            phones += _analyse(match[0][start : start + _LONGEST])
        place = match.end()
    return PhoneReading(text, phones + _signs(prepared[place:]), [])


def _signs(text: str) -> list[str]:
    return [_SIGNS[sign] for sign in text if sign in _SIGNS]


def _analyse(text: str) -> Iterator[str]:
    """Yield the sounds of a text without signs, and the marks between them."""
    import pyopenjtalk

    with japanese.lock:
        labels = pyopenjtalk.extract_fullcontext(text, use_sudachi_kanji_yomi=False)
    for label, following in zip(labels, [*labels[1:], ""], strict=False):
        sound = _first(_SOUND, label)
        if sound == "sil":  # before and after the text
            continue
        if sound == "pau":
            yield PAUSE
            continue
        yield sound.lower() if sound in "AEIOU" else sound  # an unvoiced vowel is a vowel
        mark = _mark(sound, label, following)
        if mark:
            yield mark


def _mark(sound: str, label: str, following: str) -> str:
    """Return the mark after a sound: a phrase's border, a fall or a rise of the pitch, or none."""
    accent, mora, left = _accent(label)
    _, next_mora, _ = _accent(following)
    if left == 1 and next_mora == 1 and sound in _ENDS_A_MORA:
        return BORDER
    if accent == 0 and next_mora == mora + 1 and str(mora) != _first(_MORAS, label):
        return FALL
    return RISE if (mora, next_mora) == (1, 2) else ""


def _first(pattern: re.Pattern[str], label: str) -> str:
    match = pattern.search(label)
    return match[1] if match else ""


def _accent(label: str) -> tuple[int, int, int]:
    """Return the distance from the accent, the mora's number in its phrase, and the moras left."""
    match = _ACCENT.search(label)
    return (int(match[1]), int(match[2]), int(match[3])) if match else (_ABSENT,) * 3
