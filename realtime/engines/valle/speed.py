"""Speech at another speed and the same pitch.

Blocks are taken from nearer or farther places of the sound and joined where they fit best.
"""

from __future__ import annotations

import numpy as np

from realtime.audio.crossfade import Joiner
from realtime.audio.samples import Samples

BLOCK, FADE, SEARCH = 720, 240, 360  # samples at 24 kHz: a few periods of a low voice


def change_speed(sound: Samples, speed: float) -> Samples:
    """Return the sound in 1/speed of its time; at speed 1 the very same samples."""
    if speed == 1.0:
        return sound
    joiner = Joiner(FADE, SEARCH)
    count = round(sound.size / speed)
    padded = np.concatenate([sound, np.zeros(BLOCK + joiner.extra, np.float32)])
    blocks = [
        joiner.join(padded[start : start + BLOCK + joiner.extra])
        for start in (round(place * speed) for place in range(0, count, BLOCK))
    ]
    return np.concatenate([*blocks, np.zeros(0, np.float32)])[:count]
