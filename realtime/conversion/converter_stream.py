"""A converter's stream on its lane: a turn for each block; it knows no microphone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from realtime.engines.contract import ConversionPlan, Converter, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.errors import SynthesisFailed, YamabikoError
from realtime.models.model import Lease

logger = logging.getLogger(__name__)


class ConverterStream:
    """One stream of one converter; it begins with its first block.

    A converter that has heard silence for as long as it remembers is not asked while it lasts.
    """

    def __init__(
        self,
        lease: Lease[Converter],
        change: VoiceChange,
        plan: ConversionPlan,
        due: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.begun = 0.0  # when the engine took the last block
        self._engine = lease.engine
        self._plan = plan
        self._clock = clock
        self._quiet = 0  # samples of silence since something was heard
        self._waiting: deque[Samples] = deque()
        self._turn: asyncio.Task[Samples] | None = None
        self._stream = lease.lane.stream(
            lambda cancel: self._engine.convert(self._given(), change, cancel), due
        )

    async def convert(self, block: Samples) -> Samples:
        """The next block's sound; whatever a model throws ends this stream alone."""
        remembered = self._plan.latency + self._plan.context
        self._quiet = 0 if block.any() else self._quiet + block.size
        if self._quiet - block.size >= remembered and not self._plan.whole:
            return np.zeros(block.size * self._plan.output_rate // self._plan.rate, np.float32)
        self._waiting.append(block)
        # Who is not patient leaves at once; an engine that is stuck is waited for by `aclose`.
        self._turn = asyncio.create_task(self._next())
        try:
            return await asyncio.shield(self._turn)
        except (YamabikoError, asyncio.CancelledError):
            raise
        except Exception as error:
            logger.exception("%s failed while converting", self._engine.name)
            raise SynthesisFailed(
                f"The engine {self._engine.name!r} failed while it converted a voice.",
                code="conversion_failed",
                hint="The server's log says more; trying again may help.",
            ) from error

    async def aclose(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.cancel()
            await asyncio.gather(self._turn, return_exceptions=True)
        await self._stream.aclose()

    async def _next(self) -> Samples:
        return await anext(self._stream)

    def _given(self) -> Iterator[Samples]:
        # A turn is asked for by whoever has just given a block, so one is always there.
        while True:
            block = self._waiting.popleft()
            self.begun = self._clock()
            yield block
