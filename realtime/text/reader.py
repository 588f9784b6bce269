"""Segments of text as phonemes, each sound with the text that it speaks; it knows no engine.

Each language has a reader of its own; they load on first use.
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
    """What an engine says; with an accent, everything as a native of that language reads it."""
    sounds: list[Sound] = []
    for segment in segments:
        part = _read(segment, accent or segment.language)
        if sounds and part and not _spaced(sounds[-1], part[0]):
            sounds.append(Sound("", " "))
        sounds.extend(part)
    return sounds


def _read(segment: Segment, native: str) -> list[Sound]:
    if segment.language == native:
        return _own(segment.text, native)
    if native == "ja":
        # Kanji have Japanese readings; Latin words get their katakana ones.
        return _own(segment.text, "ja")
    if native == "zh" and segment.language == "ja" and accents.only_han(segment.text):
        return _own(segment.text, "zh")
    foreign = _own(segment.text, segment.language)
    return [
        Sound(sound.text, accents.coloured(sound.phonemes, segment.language, native))
        for sound in foreign
    ]


def _own(text: str, language: str) -> list[Sound]:
    return READERS[language](text)


def _spaced(before: Sound, after: Sound) -> bool:
    return before.phonemes.endswith(" ") or after.phonemes.startswith((" ", ",", ".", "!", "?"))
