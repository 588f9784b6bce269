"""Voice-like sound for tests: vowels at a pitch, hiss, and pauses between."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

RATE = 24000
FORMANTS = ((700, 90), (1_200, 110), (2_600, 160))


def voice(seconds: float, pitch: float = 140.0, rate: int = RATE, seed: int = 5) -> Samples:
    """Make words of 0.45 s with pauses of 0.15 s: gliding vowels with a little hiss before."""
    return _voice(seconds, pitch, rate, seed).copy()


@lru_cache(64)
def _voice(seconds: float, pitch: float, rate: int, seed: int) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    word = time % 0.6
    glide = pitch * 2 ** (0.1 * np.sin(2 * np.pi * time / 1.3))
    phase = np.cumsum(glide) / rate
    sound = np.zeros(time.size)
    for number in range(1, int(0.45 * rate / pitch)):
        tone = number * glide  # above 0.45 of the rate it would alias
        level = sum(1 / (1 + ((tone - centre) / width) ** 2) for centre, width in FORMANTS)
        sound += (level + 0.02) * np.sin(2 * np.pi * number * phase) * (tone < 0.45 * rate)
    vowel = np.clip(np.minimum(word - 0.08, 0.45 - word) / 0.02, 0, 1)
    hiss = np.clip(np.minimum(word, 0.08 - word) / 0.01, 0, 1)
    noise = np.random.default_rng(seed).standard_normal(time.size)
    sound = 0.12 * sound * vowel + 0.02 * noise * hiss
    return np.clip(sound, -0.9, 0.9).astype(np.float32)


def pcm(samples: Samples) -> npt.NDArray[np.int16]:
    return np.rint(samples * 32767).astype(np.int16)
