"""Spoken sound: a part of a line's samples with the words that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from realtime.audio.samples import Pcm


@dataclass(frozen=True)
class Word:
    """A piece of the line's text and when it is heard, in seconds from the start of its chunk."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Spoken:
    """Sound of a line in order: PCM16 mono at the engine's rate, and the words that it holds."""

    pcm: Pcm
    words: tuple[Word, ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)  # milliseconds, with the first sound
