"""Conversion of a recording to another voice, as fast as its engine can."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from realtime.audio.samples import Pcm
from realtime.conversion.converter_stream import ConverterStream
from realtime.conversion.signal_path import SignalPath
from realtime.engines.contract import ConversionPlan, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, TooLarge
from realtime.models.loaded import LoadedModels

PATIENT_SECONDS = 1.0  # a block of a recording is due this late, so that live blocks go first
LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000
MOST_WHOLE_SECONDS = 3_600


async def convert_recording(
    models: LoadedModels,
    engine: str,
    change: VoiceChange,
    parts: AsyncIterable[Pcm],
    rate: int,
    output_rate: int | None = None,
    *,
    due: Callable[[], float] | None = None,
    in_short_blocks: bool = False,
) -> AsyncGenerator[Pcm, None]:
    """Yield the recording in the other voice, no faster than it is taken.

    The output is as long as the input, and the same however the input is cut into parts. In blocks
    as short as those of a microphone it begins early. `due` gives the time of the next block.
    """
    output_rate = output_rate or rate
    check_rates(rate, output_rate)
    change = replace(change, source_rate=rate)
    async with models.converter(engine).lease("a recording") as lease:
        plan = lease.engine.plan(change)
        if in_short_blocks:
            plan = replace(plan, file_block=0)
        path = RecordingPath(plan, change, parts, rate, output_rate)
        stream = ConverterStream(lease, change, plan, due or due_patiently)
        async with aclosing(path), aclosing(stream):
            while not path.ended:
                block = await path.next_block()
                sound = await stream.convert(block) if path.converts else block
                if (pcm := path.take(sound)).size:
                    yield pcm


class RecordingPath:
    """The way of one recording to its converter and back: its blocks, then silence for the tail.

    The blocks go to a converter while `converts` is true; what it gives for each is to be taken.
    """

    def __init__(
        self,
        plan: ConversionPlan,
        change: VoiceChange,
        parts: AsyncIterable[Pcm],
        rate: int,
        output_rate: int,
    ) -> None:
        self.ended = False
        self.converts = True
        self._plan = plan
        self._signal = SignalPath(plan, change, rate, output_rate)
        cut = _whole if plan.whole else _blocks
        self._blocks = cut(parts, self._signal, plan)
        self._in_tail = False

    async def next_block(self) -> Samples:
        if not self._in_tail:
            block = await anext(self._blocks, None)
            if block is not None:
                return block
            self._in_tail = True
            self.converts = not self._plan.whole
        return self._signal.silence(self._plan.block)

    def take(self, sound: Samples) -> Pcm:
        """Return what goes out for the sound of a block."""
        pcm = self._signal.from_converter(sound)
        if self._in_tail:
            pcm, self.ended = self._signal.trim_tail(pcm)
        return pcm

    async def aclose(self) -> None:
        await self._blocks.aclose()


def check_rates(rate: int, output_rate: int) -> None:
    """Refuse sample rates that no recording has."""
    for name, asked in (("sample_rate", rate), ("output_sample_rate", output_rate)):
        if not LOWEST_RATE <= asked <= HIGHEST_RATE:
            allowed = f"{LOWEST_RATE} to {HIGHEST_RATE}"
            raise BadRequest(f"{name} is {asked}; allowed is {allowed}.", field=name)


def due_patiently() -> float:
    """Give the time by which the next block of a recording is wanted."""
    return time.monotonic() + PATIENT_SECONDS


async def _blocks(
    parts: AsyncIterable[Pcm], path: SignalPath, plan: ConversionPlan
) -> AsyncGenerator[Samples, None]:
    """Yield the recording in blocks of the length that the converter wants; the last is shorter."""
    held = np.zeros(0, np.int16)
    async for part in parts:
        held = np.concatenate([held, part])
        while held.size >= (needed := path.input_needed(plan.file_block or plan.block)):
            block, held = path.to_converter(held[:needed]), held[needed:]
            yield block
    if (block := path.to_converter(held)).size:
        yield block


async def _whole(
    parts: AsyncIterable[Pcm], path: SignalPath, plan: ConversionPlan
) -> AsyncGenerator[Samples, None]:
    """Yield the whole recording as one block; refuse one that is too long."""
    blocks: list[Samples] = []
    length = 0
    async for part in parts:
        blocks.append(path.to_converter(part))
        length += blocks[-1].size
        if length > MOST_WHOLE_SECONDS * plan.rate:
            raise TooLarge(
                f"This model takes recordings whole, and at most {MOST_WHOLE_SECONDS} s of them.",
                code="recording_too_long",
                values={"seconds": MOST_WHOLE_SECONDS},
            )
    if length:
        yield np.concatenate(blocks)
