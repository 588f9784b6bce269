"""Reads Chinese: numbers, dates, money and words as phonemes; it loads on first use."""

from __future__ import annotations

import logging
import re
import threading
from functools import cache
from typing import Any

from realtime.text.phonemes import Sound, aligned

_lock = threading.Lock()
_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_HAN = re.compile(r"[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]+")
_PUNCTUATION = {
    "、": ", ", "，": ", ", "。": ". ", "．": ". ", "！": "! ", "？": "? ", "：": ": ", "；": "; ",
    "《": " “", "》": "” ", "「": " “", "」": "” ", "『": " “", "』": "” ", "【": " “", "】": "” ",
    "（": " (", "）": ") ", "～": "—", "·": " ", "\n": ". ",
}  # fmt: skip
_CLOSING = frozenset(",.!?:;”)")
_RULES: tuple[tuple[str, str], ...] = (
    (r"(?<=\d),(?=\d{3})", ""),
    (r"[¥￥](\d+(?:\.\d+)?)", r"\1元"),
    (r"\$(\d+(?:\.\d+)?)", r"\1美元"),
    (r"(\d{1,2}):(\d{2})(?!\d)", r"\1点\2分"),
    (r"点00分", "点整"),
    (r"(?<!\d)-(\d+(?:\.\d+)?)\s*(?:°C|℃)", r"零下\1摄氏度"),
    (r"(\d)\s*(?:°C|℃)", r"\1摄氏度"),
    (r"(\d)\s*km(?![A-Za-z])", r"\1公里"),
    (r"(\d)\s*kg(?![A-Za-z])", r"\1公斤"),
    (r"(\d)\s*cm(?![A-Za-z])", r"\1厘米"),
)


def read(text: str) -> list[Sound]:
    """The sounds of a Chinese text."""
    with _lock:
        sounds = [_sound(word) for word in _words(spoken(text))]
    for place, sound in enumerate(sounds[1:]):
        if sound.phonemes[:1] in _CLOSING:  # no space between a word and what closes it
            sounds[place] = Sound(sounds[place].text, sounds[place].phonemes.rstrip())
    return aligned(text, sounds)


def spoken(text: str) -> str:
    """The text with its numbers in words."""
    import cn2an

    text = prepared(text)
    try:
        found: str = cn2an.transform(text, "an2cn")
    except ValueError:
        found = _digit_by_digit(text)
    return _digit_by_digit(found)


def prepared(text: str) -> str:
    """The text with its units in words, and the numbers that are read digit by digit."""
    for pattern, said in _RULES:
        text = re.sub(pattern, said, text)
    return re.sub(r"(?<![\d.])(?:\d{7,}|0\d+)(?![\d.年])", lambda m: _digit_by_digit(m[0]), text)


def cut(text: str) -> list[str]:
    """The words of a text and what stands between them."""
    with _lock:
        return list(_jieba().lcut(text, cut_all=False))


def _digit_by_digit(text: str) -> str:
    return "".join(_DIGITS.get(sign, sign) for sign in text)


def _words(text: str) -> list[str]:
    words: list[str] = []
    place = 0
    for found in _HAN.finditer(text):
        words += text[place : found.start()]
        words += _jieba().lcut(found[0], HMM=True)
        place = found.end()
    return [*words, *text[place:]]


def _sound(word: str) -> Sound:
    if not _HAN.match(word):
        return Sound(word, _PUNCTUATION.get(word, word))
    return Sound(word, _word_phonemes(word) + " ")


def _word_phonemes(word: str) -> str:
    from misaki.zh import ZHG2P

    try:
        found: str = ZHG2P.word2ipa(word).replace(chr(815), "")
    except (ValueError, AssertionError, IndexError, KeyError):
        # One character without a reading must not silence its neighbours.
        return "".join(map(_word_phonemes, word)) if len(word) > 1 else ""
    return found


@cache
def _jieba() -> Any:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    # Built from its dictionary in memory: jieba's own start would load a cache that anybody can
    # write into the temporary folder.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer
