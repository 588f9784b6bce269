"""Loudness of a recording given to its converted sound, by a share (`rms_mix`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

# Seconds of a frame in a piece of a recording, as published, and in a live one, which is short.
LONG_FRAME, SHORT_FRAME = 1.0, 0.04
HOPS = {LONG_FRAME: 0.5, SHORT_FRAME: 0.01}
QUIET = {LONG_FRAME: 1e-6, SHORT_FRAME: 1e-3}  # the least loudness: what is silent is not raised
SHORTEST = 1.0  # seconds of sound with long frames


def mix_loudness(
    sound: Singles, rate: int, original: Singles, original_rate: int, share: float
) -> Singles:
    """Return converted sound with the loudness of its original; a share of 1 keeps its own.

    Loudness is the root mean square of frames: of a second, or of 40 ms in a short piece.
    """
    if share >= 1.0:
        return sound
    frame = LONG_FRAME if sound.size >= SHORTEST * rate else SHORT_FRAME
    own, wanted = (
        _at(loudness(heard, round(frame * its), round(HOPS[frame] * its)), sound.size)
        for heard, its in ((sound, rate), (original, original_rate))
    )
    gain = wanted ** (1.0 - share) * np.maximum(own, QUIET[frame]) ** (share - 1.0)
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
