"""A reader of Chinese: numbers, dates, money and words as phonemes.

Its libraries and dictionary load on first use.
"""

from __future__ import annotations

import logging
import re
import threading
from functools import cache
from typing import Any

from realtime.text.phonemes import Sound, align

_lock = threading.Lock()  # of jieba's tokenizer, which all threads share
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
    """Read a Chinese text as sounds."""
    with _lock:
        sounds = [_sound(word) for word in _words(numbers_in_words(text))]
    for place, sound in enumerate(sounds[1:]):
        if sound.phonemes[:1] in _CLOSING:  # no space between a word and what closes it
            sounds[place] = Sound(sounds[place].text, sounds[place].phonemes.rstrip())
    return align(text, sounds)


def numbers_in_words(text: str) -> str:
    """Write the numbers of a text in words."""
    import cn2an

    text = units_in_words(text)
    try:
        found: str = cn2an.transform(text, "an2cn")
    except ValueError:
        found = _digit_by_digit(text)
    return _digit_by_digit(found)


def units_in_words(text: str) -> str:
    """Write units in words, and also the numbers that are read digit by digit."""
    for pattern, words in _RULES:
        text = re.sub(pattern, words, text)
    return re.sub(r"(?<![\d.])(?:\d{7,}|0\d+)(?![\d.年])", lambda m: _digit_by_digit(m[0]), text)


def cut_words(text: str) -> list[str]:
    """Cut a text into its words and the signs between them."""
    with _lock:
        return list(_jieba().lcut(text, cut_all=False))


def tag_words(text: str) -> list[tuple[str, str]]:
    """Cut a text into its words, each with jieba's tag for its part of speech."""
    with _lock:
        return [(pair.word, pair.flag) for pair in _tagger().lcut(text)]


def parts_of_word(word: str) -> list[str]:
    """Cut a word into all shorter words that are in it, as a search engine looks for them."""
    with _lock:
        return list(_jieba().lcut_for_search(word))


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
        # One character without a reading must not take the word's other characters with it.
        return "".join(map(_word_phonemes, word)) if len(word) > 1 else ""
    return found


@cache
def _jieba() -> Any:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    # Built in memory from its dictionary: jieba's own start would load a cache from the
    # temporary folder, where any user of the machine can put one.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


@cache
def _tagger() -> Any:
    from jieba.posseg import POSTokenizer

    return POSTokenizer(_jieba())
