"""A synthesizer without a model, for tests and bare machines: each letter is a short sine."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import islice

import numpy as np

from realtime import blocks
from realtime.audio.spoken import Word
from realtime.engines.contract import CancelToken, Chunk, Samples, Utterance
from realtime.settings import Settings
from realtime.weights import WeightFile

LETTER_SECONDS = 0.08
LETTERS_A_CHUNK = 6
LEVEL = 0.3


class Tone:
    """The synthesizer: 80 ms a letter, at a pitch that depends on letter and character."""

    name = "tone"
    version = "1"
    languages = frozenset({"en", "zh", "ja"})
    sample_rate = 24000
    first_piece = 1.2
    work = 0.01
    keeps_time = True
    block = blocks.CORE
    weights: tuple[WeightFile, ...] = ()

    def __init__(self, settings: Settings) -> None:
        pass

    def load(self) -> None:
        pass

    def unload(self) -> None:
        pass

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        text = "".join(segment.text for segment in utterance.segments)
        letters = iter(text)
        factor = character_factor(utterance.character.name)
        seconds = LETTER_SECONDS / utterance.speed
        while group := "".join(islice(letters, LETTERS_A_CHUNK)):
            cancel.check()
            sound = [sine(letter, factor, round(seconds * self.sample_rate)) for letter in group]
            yield Chunk(np.concatenate(sound), letter_words(group, seconds))


def character_factor(name: str) -> float:
    """Give a character's pitch as a factor: one of an octave's twelve semitones, by its name."""
    return float(2 ** ((zlib.crc32(name.encode()) % 12) / 12))


def sine(letter: str, factor: float, samples: int) -> Samples:
    """Make the sound of a letter; a sign other than a–z is silent."""
    step = ord(letter.lower()) - ord("a") if letter.isascii() and letter.isalpha() else None
    if step is None:
        return np.zeros(samples, np.float32)
    pitch = 220.0 * 2 ** (step / 12) * factor
    phase = 2 * np.pi * pitch / Tone.sample_rate * np.arange(samples)
    sound: Samples = (LEVEL * np.sin(phase)).astype(np.float32)
    return sound


def letter_words(group: str, seconds: float) -> tuple[Word, ...]:
    """Give each letter and digit its time in the chunk."""
    return tuple(
        Word(letter, place * seconds, (place + 1) * seconds)
        for place, letter in enumerate(group)
        if letter.isalnum()
    )
