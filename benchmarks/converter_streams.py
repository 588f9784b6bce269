"""Whole conversions through the engine: recordings, and blocks of a microphone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.converter_bench import ConverterBench, ConverterEngine, Rows, sung_vowel
from benchmarks.converter_models import DDSP, BroughtVoice
from realtime.audio.samples import Samples
from realtime.engines.contract import CancelToken, ConversionPlan
from realtime.engines.voice_change import VoiceChange

MOST_LOAD = 0.9  # above it a microphone's blocks become larger, and then it is bypassed
FILE_BLOCKS = 3  # of a recording
STREAM_BLOCK = 0.1  # seconds
TIMES = (1, 2, 4)  # lengths of live blocks, in those of the plan


class Conversion(NamedTuple):
    """A voice and how its flow runs."""

    engine: ConverterEngine
    flow: str
    change: VoiceChange


def conversions(bench: ConverterBench, voice: BroughtVoice) -> Iterator[Conversion]:
    """Load a voice, and give each way of its flow; RVC has one."""
    engine = bench.engine(voice)
    engine.load()
    try:
        if voice.engine != DDSP:
            yield Conversion(engine, "-", VoiceChange())
            return
        for steps in bench.options.steps:
            options = (("steps", steps),) if steps else (("t_start", 1.0),)
            flow = f"{steps} steps" if steps else "none"
            yield Conversion(engine, flow, VoiceChange(options=options))
    finally:
        engine.unload()


def measure_files(bench: ConverterBench) -> Rows:
    """Measure how many times quicker than real time a recording is converted."""
    rows: Rows = []
    for voice in bench.voices:
        for conversion in conversions(bench, voice):
            plan = conversion.engine.plan(conversion.change)
            block = plan.file_block // (2 if bench.options.small else 1)
            sound = sung_vowel(FILE_BLOCKS * block / plan.rate, plan.rate)
            work = partial(convert_whole, conversion, sound, block)
            (taken,) = bench.in_turns([work])
            length = sound.size / plan.rate
            speeds = bench.columns("x real time", [length / figure for figure in taken], 2)
            rows.append({"voice": voice.id, "flow": conversion.flow, "s": length, **speeds})
    return rows


def convert_whole(conversion: Conversion, sound: Samples, block: int) -> Samples:
    """Convert a sound in blocks of a recording."""
    parts = (sound[at : at + block] for at in range(0, sound.size, block))
    pieces = conversion.engine.convert(parts, conversion.change, CancelToken())
    return np.concatenate(list(pieces))


def measure_blocks(bench: ConverterBench) -> Rows:
    """Measure blocks of a microphone: what they cost, and so how late the voice would be."""
    rows: Rows = []
    for voice in bench.voices:
        for conversion in conversions(bench, voice):
            plan = conversion.engine.plan(conversion.change)
            for block in block_sizes(plan, bench.device):
                found = block_seconds(bench, conversion, plan, block)
                rows.append({"voice": voice.id, "flow": conversion.flow, **found})
    return rows


def block_sizes(plan: ConversionPlan, device: str) -> list[int]:
    """Return the samples of the blocks to try: a GPU's also the shortest that there are."""
    sizes = {times * plan.block for times in TIMES}
    if device != "cpu":
        sizes |= {plan.step, round(STREAM_BLOCK * plan.rate)}
    return sorted(sizes)


def block_seconds(
    bench: ConverterBench, conversion: Conversion, plan: ConversionPlan, block: int
) -> dict[str, object]:
    """Return the figures of one length of blocks, by the median block of a stream."""
    sound = sung_vowel(block / plan.rate, plan.rate)
    seconds: list[list[float]] = [[] for _ in bench.threads]
    streams = [
        conversion.engine.convert(_endless(sound), conversion.change, CancelToken())
        for _ in bench.threads
    ]
    for turn in range(bench.options.runs + 1):
        for count, stream, taken in zip(bench.threads, streams, seconds, strict=True):
            torch.set_num_threads(count)
            began = time.perf_counter()
            next(stream)
            if turn:  # the first block prepares
                taken.append(time.perf_counter() - began)
    medians = [float(np.median(taken)) for taken in seconds]
    length, best = block / plan.rate, min(medians)
    loads = [median / length for median in medians]
    return {
        "block ms": round(1000 * length),
        **bench.columns("load", loads, 2),
        "live here": "yes" if min(loads) <= MOST_LOAD else "no",
        "delay ms": round(1000 * (length + plan.latency / plan.rate + best)),
        "server ms": round(1000 * (plan.latency / plan.rate + best)),
        "streams": int(MOST_LOAD / min(loads)),
    }


def _endless(block: Samples) -> Iterator[Samples]:
    while True:
        yield block
