"""A recording in another voice, as fast as its engine can; it knows no file and no web."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

import numpy as np

from realtime.audio.samples import Pcm
from realtime.conversion.converter_stream import ConverterStream
from realtime.conversion.signal_path import SignalPath
from realtime.engines.contract import ConversionPlan, Samples
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, TooLarge
from realtime.models.loaded import LoadedModels

PATIENT_SECONDS = 1.0  # how much later than a live block one of these may have its turn
LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000
MOST_WHOLE_SECONDS = 3_600


async def converted(
    models: LoadedModels,
    engine: str,
    change: VoiceChange,
    parts: AsyncIterable[Pcm],
    rate: int,
    output_rate: int | None = None,
) -> AsyncGenerator[Pcm, None]:
    """The other voice, no faster than it is taken; as long as what came, however that was cut."""
    output_rate = output_rate or rate
    check_rates(rate, output_rate)
    async with models.converter(engine).lease("a recording") as lease:
        plan = lease.engine.plan(change)
        passage = SignalPath(plan, change, rate, output_rate)
        blocks = _whole(parts, passage, plan) if plan.whole else _blocks(parts, passage, plan)
        async with aclosing(blocks), aclosing(ConverterStream(lease, change, plan, _due)) as turns:
            async for block in blocks:
                if (pcm := passage.leave(await turns.convert(block))).size:
                    yield pcm
            over = False
            while not over:
                silence = passage.silence(plan.block)
                sound = silence if plan.whole else await turns.convert(silence)
                pcm, over = passage.last(passage.leave(sound))
                if pcm.size:
                    yield pcm


def check_rates(rate: int, output_rate: int) -> None:
    """Refuse what no recording has."""
    for name, asked in (("sample_rate", rate), ("output_sample_rate", output_rate)):
        if not LOWEST_RATE <= asked <= HIGHEST_RATE:
            allowed = f"{LOWEST_RATE} to {HIGHEST_RATE}"
            raise BadRequest(f"{name} is {asked}; allowed is {allowed}.", field=name)


def _due() -> float:
    return time.monotonic() + PATIENT_SECONDS


async def _blocks(
    parts: AsyncIterable[Pcm], passage: SignalPath, plan: ConversionPlan
) -> AsyncGenerator[Samples, None]:
    """The recording as the converter likes it."""
    held = np.zeros(0, np.int16)
    async for part in parts:
        held = np.concatenate([held, part])
        while held.size >= (needed := passage.needed(plan.block)):
            block, held = passage.enter(held[:needed]), held[needed:]
            yield block
    if (block := passage.enter(held)).size:
        yield block


async def _whole(
    parts: AsyncIterable[Pcm], passage: SignalPath, plan: ConversionPlan
) -> AsyncGenerator[Samples, None]:
    """The whole recording at once."""
    blocks: list[Samples] = []
    length = 0
    async for part in parts:
        blocks.append(passage.enter(part))
        length += blocks[-1].size
        if length > MOST_WHOLE_SECONDS * plan.rate:
            raise TooLarge(
                f"This model takes recordings whole, and at most {MOST_WHOLE_SECONDS} s of them.",
                code="recording_too_long",
            )
    if length:
        yield np.concatenate(blocks)
