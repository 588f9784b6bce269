"""Edges of a piece's sound: its silence is cut, its ends are faded, and its text's pause is added.

The model leaves silence before and after a piece by chance, not by the text.
"""

from __future__ import annotations

import numpy as np

from realtime.audio.samples import Samples, silence
from realtime.audio.trim import Trimmer
from realtime.engines.valle.codes import SAMPLE_RATE

FADE = 120  # samples, 5 ms


def trim_and_fade(sound: Samples, begins: bool, ends: bool) -> Samples:
    """Cut the silence towards a neighbouring piece, and fade both ends.

    A piece that begins or ends the line keeps its silence there.
    """
    if not (begins and ends):
        trimmer = Trimmer(SAMPLE_RATE, lead=not begins, tail=not ends)
        sound = np.concatenate([trimmer.feed(sound), trimmer.finish()])
    rise = np.linspace(0.0, 1.0, min(FADE, sound.size), dtype=np.float32)
    sound[: rise.size] *= rise
    sound[sound.size - rise.size :] *= rise[::-1]
    return sound


def add_pause(sound: Samples, pause: float) -> Samples:
    """Add seconds of silence before the next piece."""
    return np.concatenate([sound, silence(pause, SAMPLE_RATE)]) if pause else sound
