"""A reader of English: words, numbers, dates and money as phonemes.

Its library loads on first use.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache
from typing import Any

from realtime.text.phonemes import Sound, align

_lock = threading.Lock()  # of the phonemizer, which all threads share
_LONG_NUMBER = re.compile(r"\d{13,}")
_ADDRESS = re.compile(r"(?:https?://)?(?:[\w.+-]+@)?[\w-]+(?:\.[\w-]+)+(?:/[\w./?=&%#~+-]*)?")
_TOP = re.compile(r"\.(?:com|org|net|io|dev|jp|cn|uk|edu|gov|info|app|ai)\b", re.IGNORECASE)
_SIGNS = {".": " dot ", "/": " slash ", "@": " at ", ":": " colon ", "?": " question mark "}
_SIGNS |= {"=": " equals ", "&": " and ", "-": " dash ", "_": " underscore ", "#": " hash "}
_TAGS = frozenset(("VERB", "NOUN", "ADJ", "VBD"))  # of homographs; other entries are weak forms


def read(text: str) -> list[Sound]:
    """Read an English text as sounds."""
    from hibari.g2p.normalize import normalize

    words = normalize(prepare(text))
    with _lock:
        g2p = _g2p()
        tokens = g2p.phonemize_tokens(g2p.tokenize(words))
    sounds = [
        Sound(token.text + (" " if token.whitespace else ""), _phonemes(token)) for token in tokens
    ]
    return [Sound(s.text.strip(' .,!?;:"“”()…'), s.phonemes) for s in align(text, sounds)]


def is_homograph(word: str) -> bool:
    """Tell whether a word is said in two ways, by its part of speech: a house, to house."""
    with _lock:
        entries = _g2p().lexicon.golds.d
    lower = word.lower()
    stems = (lower, *(lower.removesuffix(end) for end in ("s", "d", "es", "ed")))
    return any(
        isinstance(entries.get(stem), dict) and not _TAGS.isdisjoint(entries[stem])
        for stem in stems
    )


def prepare(text: str) -> str:
    """Rewrite what the library cannot read: raised digits, very long numbers, addresses."""
    text = "".join(map(_plain, text))
    text = _ADDRESS.sub(lambda found: _address(found[0]), text)
    return _LONG_NUMBER.sub(lambda found: " ".join(found[0]), text)


def _plain(sign: str) -> str:
    return str(unicodedata.digit(sign)) if sign.isdigit() and not sign.isdecimal() else sign


def _address(text: str) -> str:
    if not ("://" in text or "@" in text or _TOP.search(text)):
        return text
    text = re.sub(r"^https?://", "", text).rstrip("/")
    return re.sub(r" +", " ", "".join(_SIGNS.get(sign, sign) for sign in text)).strip()


def _phonemes(token: Any) -> str:
    return (token.phonemes or "") + (" " if token.whitespace else "")


@cache
def _g2p() -> Any:
    from hibari.g2p import G2P

    return G2P()
