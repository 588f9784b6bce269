"""A converter's stream on its lane: one turn for each block."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from realtime.engines.contract import ConversionPlan, Converter, Samples
from realtime.engines.failure import engine_failures
from realtime.engines.voice_change import VoiceChange
from realtime.models.model import Lease


class ConverterStream:
    """A stream of one converter; it begins with its first block.

    `due` gives the time by which the next block is wanted. Silence that lasts for longer than the
    converter remembers is not converted: it would give silence.
    """

    def __init__(
        self,
        lease: Lease[Converter],
        change: VoiceChange,
        plan: ConversionPlan,
        due: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.block_started = 0.0  # when the engine took the last block
        self._engine = lease.engine
        self._plan = plan
        self._clock = clock
        self._silent_samples = 0  # since the last sound
        self._blocks: deque[Samples] = deque()
        self._turn: asyncio.Task[Samples] | None = None
        self._stream = lease.lane.stream(
            lambda cancel: self._engine.convert(self._take_blocks(), change, cancel), due
        )

    async def convert(self, block: Samples) -> Samples:
        """Return the block's sound; an error of the model ends this stream alone.

        Cancelled, it returns at once, and `aclose` waits for the engine.
        """
        if self._may_skip(block):
            return np.zeros(block.size * self._plan.output_rate // self._plan.rate, np.float32)
        self._blocks.append(block)
        # Shielded: cancelling an engine that is stuck would wait for it.
        self._turn = asyncio.create_task(self._next())
        with engine_failures(self._engine.name, "converting"):
            return await asyncio.shield(self._turn)

    async def aclose(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.cancel()
            await asyncio.gather(self._turn, return_exceptions=True)
        await self._stream.aclose()

    def _may_skip(self, block: Samples) -> bool:
        before = self._silent_samples
        self._silent_samples = 0 if block.any() else before + block.size
        remembered = self._plan.latency + self._plan.context
        return self._silent_samples - block.size >= remembered and not self._plan.whole

    async def _next(self) -> Samples:
        return await anext(self._stream)

    def _take_blocks(self) -> Iterator[Samples]:
        # A turn is asked for only after a block was appended, so one is always there.
        while True:
            block = self._blocks.popleft()
            self.block_started = self._clock()
            yield block
