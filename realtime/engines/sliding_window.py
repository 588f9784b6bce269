"""Windows of a stream for a model: each block with the sound before and after it.

The windows overlap, and so do the pieces that the model makes of them. They are faded into each
other, where they are alike if the model gives the same sound at another place in a window a little
earlier or later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from realtime.audio.crossfade import Joiner
from realtime.engines.contract import Samples


@dataclass(frozen=True)
class SoundWindow:
    """A part of a stream, of which a model is to give the piece from `start` to `stop`."""

    sound: Samples
    first: int  # the place of its first sample in the stream; below 0 before the stream's start
    start: int  # samples from the window's first one
    stop: int

    @property
    def is_silent(self) -> bool:
        return not self.sound.any()


@dataclass(frozen=True)
class WindowShape:
    """The lengths of windows in input samples; each must last as long as whole output samples."""

    rate: int
    output_rate: int
    context: int = 0  # before the piece
    ahead: int = 0  # after the piece
    join: int = 0  # of a piece that overlap with the next one, which is faded in over them
    search: int = (
        0  # output samples of the join in which the best place for the next one is looked for
    )

    @property
    def latency(self) -> int:
        return self.ahead + self.join

    @property
    def past(self) -> int:
        """Count the samples of the past in a window."""
        return self.context + self.latency

    def at_output(self, count: int) -> int:
        """Return how many output samples last as long as some input samples."""
        return count * self.output_rate // self.rate


class SlidingWindow:
    """The windows of one stream, and the pieces that become its output."""

    def __init__(self, shape: WindowShape) -> None:
        self._shape = shape
        self._past = np.zeros(shape.past, np.float32)
        self._came = 0  # samples of the stream so far
        self._early = shape.at_output(shape.latency)  # output samples from before the start
        extra = shape.at_output(shape.join)
        self._joiner = Joiner(extra - shape.search, shape.search) if extra else None

    def window(self, block: Samples) -> SoundWindow:
        """Return the window of the next block."""
        sound = np.concatenate([self._past, block])
        self._past = sound[block.size :]
        first = self._came - self._shape.past
        self._came += block.size
        stop = sound.size - self._shape.ahead
        return SoundWindow(sound, first, self._shape.context, stop)

    def join(self, piece: Samples) -> Samples:
        """Return the block's sound, late by the latency, for the piece that the window asks for."""
        sound = piece.copy() if self._joiner is None else self._joiner.join(piece)
        early = min(self._early, sound.size)
        sound[:early] = 0.0  # a model may hum before the first sound
        self._early -= early
        return sound

    def silence(self, window: SoundWindow) -> Samples:
        """Return the piece of a window that is silent."""
        return np.zeros(self._shape.at_output(window.stop - window.start), np.float32)
