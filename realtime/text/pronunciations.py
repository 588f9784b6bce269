"""Pronunciations of English words by the CMU dictionary, `hh ah0 l ow1` for hello."""

from __future__ import annotations

import json
from functools import cache

from realtime.files import packaged_path

DICTIONARY = "eng_to_ipa/resources/CMU_dict.json"  # only the package's data are read


def pronunciations(word: str) -> list[str]:
    """Return the pronunciations of a lower-case word, the usual one first; none when unknown."""
    return _words().get(word, [])


@cache
def _words() -> dict[str, list[str]]:
    path = packaged_path(DICTIONARY)
    if path is None:
        return {}
    with path.open(encoding="utf-8") as file:
        words: dict[str, list[str]] = json.load(file)
    return words
