"""A line's sound in the frames in which a socket sends it; it knows no socket and no time.

All sound of a part leaves with it, in frames of 20 to 60 ms; only less than 20 ms waits for more.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from realtime.audio.samples import AUDIBLE, Pcm, Resampler

FRAME_SECONDS = 0.04
LEAST_SECONDS = 0.02


class Framer:
    """Sound at one rate in, frames at the client's rate out."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self.rate = target_rate
        self._source_rate = source_rate
        self._resampler = Resampler(source_rate, target_rate)
        self._held = np.zeros(0, np.int16)

    def feed(self, pcm: Pcm) -> Iterator[Pcm]:
        """The frames of some more sound, each made when it is asked for."""
        # Resampling 40 ms takes up to 0.05 ms: on the loop, frame by frame, nobody notices.
        whole = _cuttable(pcm.size, self._source_rate)
        for part in _cut(pcm, self._source_rate) if whole else (pcm,):
            yield from self._ready(self._resampler.feed(part))

    def finish(self) -> Iterator[Pcm]:
        """What is left; the last frame may be shorter than any other."""
        yield from self._ready(self._resampler.finish())
        if self._held.size:
            yield self._held

    def _ready(self, pcm: Pcm) -> Iterator[Pcm]:
        sound = np.concatenate([self._held, pcm]) if self._held.size else pcm
        place = _cuttable(sound.size, self.rate)
        self._held = sound[place:]
        return _cut(sound[:place], self.rate)


def audible(pcm: Pcm) -> bool:
    """Whether anything in a frame is heard."""
    return bool((np.abs(pcm.astype(np.int32)) > AUDIBLE * 32768).any())


def _cuttable(samples: int, rate: int) -> int:
    """How many of so many samples make frames: all, or none when they are too few."""
    return samples if samples >= LEAST_SECONDS * rate else 0


def _cut(pcm: Pcm, rate: int) -> Iterator[Pcm]:
    """Frames of 40 ms; the last takes what would be too short to stand alone."""
    length, least = round(FRAME_SECONDS * rate), LEAST_SECONDS * rate
    place = 0
    while pcm.size - place >= length + least:
        yield pcm[place : place + length]
        place += length
    if pcm.size - place >= least:
        yield pcm[place:]
