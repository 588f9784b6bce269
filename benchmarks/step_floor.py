"""Steps of a model of codes beside their floor: the time to read the weights of a step once.

The floor is measured by summing a buffer as large as these weights on as many threads.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from realtime.engines.decoding.batch import Batch
from realtime.engines.decoding.line import BatchedLine

BYTES = {"fp32": 4, "fp16": 2, "bf16": 2}
TRIAL_STEPS = 60  # of a line alone: measured on a processor, a warm-up on a GPU
READS = 50  # steps or sums between two CUDA events
DRIVER = Path("/proc/driver/nvidia/version")

MakeLine = Callable[[int], BatchedLine[Any]]  # from a count of steps


def measure_step(
    batch: Batch[Any], make_line: MakeLine, size: int, device: str
) -> tuple[float, float]:
    """Return the seconds of a step, and of summing a buffer of so many bytes."""
    buffer = torch.ones(size // 4, device=device)
    if device == "cpu":
        return _measure_in_turns(batch, make_line, buffer)
    return _measure_queued(batch, make_line, buffer)


def _measure_queued(batch: Batch[Any], make_line: MakeLine, buffer: Tensor) -> tuple[float, float]:
    """Measure on a device with many steps queued, as in use: between two of its events."""
    batch.enter(make_line(3 * TRIAL_STEPS))
    for _ in range(TRIAL_STEPS):
        batch.advance()
        buffer.sum()
    step, read = _seconds_between_events(batch.advance), _seconds_between_events(buffer.sum)
    while batch.line_count:
        batch.advance()
    return step, read


def _seconds_between_events(work: Callable[[], object]) -> float:
    """Return the mean seconds of some work that is queued many times."""
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    began.record()
    for _ in range(READS):
        work()
    ended.record()
    ended.synchronize()
    return float(began.elapsed_time(ended)) / 1000 / READS


def _measure_in_turns(
    batch: Batch[Any], make_line: MakeLine, buffer: Tensor
) -> tuple[float, float]:
    """Return medians of steps and sums in turns: other work on the machine slows both."""
    reads: list[float] = []
    steps: list[float] = []
    batch.enter(make_line(TRIAL_STEPS))
    while batch.line_count:
        with timed("cpu", reads):
            buffer.sum()
        with timed("cpu", steps):
            batch.advance()
    return statistics.median(steps), statistics.median(reads)


def driver_version(file: Path = DRIVER) -> str | None:
    """Return the version of the GPU's driver; None where there is none."""
    if not file.exists():
        return None
    version = re.search(r"\b\d+\.\d+(\.\d+)?\b", file.read_text(encoding="utf-8"))
    return version and version.group()


@contextmanager
def timed(device: str, into: list[float]) -> Iterator[None]:
    """Append the seconds of the block, with all work on the device done."""
    synchronise(device)
    started = time.perf_counter()
    yield
    synchronise(device)
    into.append(time.perf_counter() - started)


def synchronise(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 3)


def median_of_runs(runs: int, work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Return each figure's median of so many runs, after one that is not counted."""
    work()
    results = [work() for _ in range(runs)]
    return {name: statistics.median(one[name] for one in results) for name in results[0]}
