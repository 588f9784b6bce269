"""Loudness of a recording given to its converted sound, by a share (`rms_mix`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

QUIET = 1e-6  # the least loudness of converted sound: what is silent is not raised
LIVE_QUIET = 1e-3  # and in a stream, whose short frames may hold a pause alone


def mix_loudness(
    sound: Singles, rate: int, original: Singles, original_rate: int, share: float
) -> Singles:
    """Return converted sound with the loudness of its original; a share of 1 keeps its own.

    Loudness is the root mean square of a second, every half second.
    """
    if share >= 1.0:
        return sound
    own = _at(loudness(sound, rate, rate // 2), sound.size)
    wanted = _at(loudness(original, original_rate, original_rate // 2), sound.size)
    gain = wanted ** (1.0 - share) * np.maximum(own, QUIET) ** (share - 1.0)
    return (sound * gain).astype(np.float32)


def loudness(sound: Singles, frame: int, hop: int) -> Floats:
    """Return the root mean square of frames around every `hop`-th sample; outside is silence."""
    squares = np.concatenate([[0.0], np.cumsum(np.square(np.pad(sound, frame // 2), dtype=float))])
    starts = np.arange(0, squares.size - frame, hop)
    energy = np.maximum(squares[starts + frame] - squares[starts], 0.0)
    levels: Floats = np.sqrt(energy / frame)
    return levels


def _at(levels: Floats, count: int) -> Floats:
    """Stretch levels to so many samples; each level stands in the middle of its share."""
    places = (np.arange(count) + 0.5) * (levels.size / count) - 0.5
    stretched: Floats = np.interp(places, np.arange(levels.size), levels)
    return stretched
