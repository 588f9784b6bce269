"""The sound of a piece among its neighbours: soft at its edges, and as near as its text has them.

The model leaves some silence before and behind whatever it says, by chance and not by the text.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.audio.samples import silence
from realtime.audio.trim import Trimmer

Samples = npt.NDArray[np.float32]

RATE = 24_000
FADE = 120  # samples at the edges of a piece


def joinable(sound: Samples, begins: bool, ends: bool) -> Samples:
    """Without the silence towards a neighbour: what has none before or behind keeps it there."""
    if not (begins and ends):
        trimmer = Trimmer(RATE, lead=not begins, tail=not ends)
        sound = np.concatenate([trimmer.feed(sound), trimmer.finish()])
    rise = np.linspace(0.0, 1.0, min(FADE, sound.size), dtype=np.float32)
    sound[: rise.size] *= rise
    sound[sound.size - rise.size :] *= rise[::-1]
    return sound


def followed(sound: Samples, pause: float) -> Samples:
    """With the pause before the next piece."""
    return np.concatenate([sound, silence(pause, RATE)]) if pause else sound
