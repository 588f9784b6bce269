"""Conversion of a recording to another voice, as fast as its engine can."""

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
) -> AsyncGenerator[Pcm, None]:
    """Yield the recording in the other voice, no faster than it is taken.

    The output is as long as the input, and the same however the input is cut into parts.
    """
    output_rate = output_rate or rate
    check_rates(rate, output_rate)
    async with models.converter(engine).lease("a recording") as lease:
        plan = lease.engine.plan(change)
        path = SignalPath(plan, change, rate, output_rate)
        blocks = _whole(parts, path, plan) if plan.whole else _blocks(parts, path, plan)
        async with aclosing(blocks), aclosing(ConverterStream(lease, change, plan, _due)) as stream:
            async for block in blocks:
                if (pcm := path.from_converter(await stream.convert(block))).size:
                    yield pcm
            ended = False
            while not ended:
                silence = path.silence(plan.block)
                sound = silence if plan.whole else await stream.convert(silence)
                pcm, ended = path.trim_tail(path.from_converter(sound))
                if pcm.size:
                    yield pcm


def check_rates(rate: int, output_rate: int) -> None:
    """Refuse sample rates that no recording has."""
    for name, asked in (("sample_rate", rate), ("output_sample_rate", output_rate)):
        if not LOWEST_RATE <= asked <= HIGHEST_RATE:
            allowed = f"{LOWEST_RATE} to {HIGHEST_RATE}"
            raise BadRequest(f"{name} is {asked}; allowed is {allowed}.", field=name)


def _due() -> float:
    return time.monotonic() + PATIENT_SECONDS


async def _blocks(
    parts: AsyncIterable[Pcm], path: SignalPath, plan: ConversionPlan
) -> AsyncGenerator[Samples, None]:
    """Yield the recording in blocks of the length that the converter wants; the last is shorter."""
    held = np.zeros(0, np.int16)
    async for part in parts:
        held = np.concatenate([held, part])
        while held.size >= (needed := path.input_needed(plan.block)):
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
