"""Sound cut into the frames in which a socket sends it: 20 to 60 ms each.

All sound of a part leaves with it; only less than 20 ms is held back until more comes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from realtime.audio.samples import AUDIBLE, Pcm, Resampler

FRAME_SECONDS = 0.04
LEAST_SECONDS = 0.02
MOST_SECONDS = FRAME_SECONDS + LEAST_SECONDS  # the last frame takes a rest that is too short


class Framer:
    """Sound at one rate in, frames at the client's rate out."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self.rate = target_rate
        self._source_rate = source_rate
        self._resampler = Resampler(source_rate, target_rate)
        self._held = np.zeros(0, np.int16)

    def feed(self, pcm: Pcm) -> Iterator[Pcm]:
        """Yield the frames that more sound completes; each is made when it is taken."""
        # Resampling 40 ms takes up to 0.05 ms: short enough for the event loop, frame by frame.
        parts = _cut(pcm, self._source_rate) if _enough(pcm, self._source_rate) else (pcm,)
        for part in parts:
            yield from self._ready(self._resampler.feed(part))

    def finish(self) -> Iterator[Pcm]:
        """Yield the rest; the last frame may be shorter than 20 ms."""
        yield from self._ready(self._resampler.finish())
        if self._held.size:
            yield self._held

    def _ready(self, pcm: Pcm) -> Iterator[Pcm]:
        sound = np.concatenate([self._held, pcm]) if self._held.size else pcm
        if not _enough(sound, self.rate):
            self._held = sound
            return iter(())
        self._held = sound[:0]
        return _cut(sound, self.rate)


def frames_of(pcm: Pcm, rate: int) -> Iterator[Pcm]:
    """Cut sound that may not wait for more into frames of at most 60 ms."""
    step = round(MOST_SECONDS * rate)
    return (pcm[start : start + step] for start in range(0, pcm.size, step))


def audible(pcm: Pcm) -> bool:
    """Tell whether a frame is loud enough to be heard."""
    return bool((np.abs(pcm.astype(np.int32)) > AUDIBLE * 32768).any())


def _enough(pcm: Pcm, rate: int) -> bool:
    return pcm.size >= LEAST_SECONDS * rate


def _cut(pcm: Pcm, rate: int) -> Iterator[Pcm]:
    """Cut sound into frames of 40 ms; the last takes a rest that is too short to stand alone."""
    length, least = round(FRAME_SECONDS * rate), LEAST_SECONDS * rate
    place = 0
    while pcm.size - place >= length + least:
        yield pcm[place : place + length]
        place += length
    if pcm.size - place >= least:
        yield pcm[place:]
