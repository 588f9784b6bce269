"""Segments of text read as phonemes, each sound with the text that it speaks.

Each language has a reader of its own, which loads on first use.
"""

from __future__ import annotations

from collections.abc import Sequence

from realtime.text import accent as accents
from realtime.text import chinese, english, japanese
from realtime.text.language import Segment
from realtime.text.phonemes import Sound

__all__ = ["Sound", "read"]

READERS = {"en": english.read, "zh": chinese.read, "ja": japanese.read}


def read(segments: Sequence[Segment], accent: str | None) -> list[Sound]:
    """Read segments; with an accent, all of them as a native of that language reads them."""
    sounds: list[Sound] = []
    for segment in segments:
        part = _read_as(segment, accent or segment.language)
        if sounds and part and not _has_space(sounds[-1], part[0]):
            sounds.append(Sound("", " "))
        sounds.extend(part)
    return sounds


def _read_as(segment: Segment, native: str) -> list[Sound]:
    """Read a segment as a native of a language does."""
    han = native == "zh" and segment.language == "ja" and accents.only_han(segment.text)
    # A Japanese reads kanji of Chinese in Japanese, and Latin words in katakana.
    if segment.language == native or native == "ja" or han:
        return READERS[native](segment.text)
    return [
        Sound(sound.text, accents.apply_accent(sound.phonemes, segment.language, native))
        for sound in READERS[segment.language](segment.text)
    ]


def _has_space(before: Sound, after: Sound) -> bool:
    return before.phonemes.endswith(" ") or after.phonemes.startswith((" ", ",", ".", "!", "?"))
