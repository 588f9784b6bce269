"""Time and memory of work on a processor or a GPU."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from realtime.models.process_memory import resident_bytes

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


class Deadline:
    """A bound after which no part of a benchmark is begun; `skipped` names the parts left out."""

    def __init__(self, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + 60 * minutes
        self.skipped: list[str] = []

    def over(self, name: str) -> bool:
        """Return whether it is too late to begin a part, and note it as skipped if so."""
        late = self._clock() > self._end
        if late:
            self.skipped.append(name)
        return late


class Memory:
    """The megabytes that work takes.

    On a GPU these are what the driver has given out since this object was made, read when the work
    is done and before anything is given back. So the memory of CUDA graphs counts, which take none
    when they run, and that of runtimes besides torch. On a processor they are the most that the
    process grew by while it was watched.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self.megabytes = 0.0
        clear_memory(device)
        self._free = 0 if device == "cpu" else torch.cuda.mem_get_info(device)[0]

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Measure the work of the block."""
        clear_memory(self._device)
        if self._device == "cpu":
            with self._growth():
                yield
            return
        yield
        torch.cuda.synchronize(self._device)
        taken = self._free - torch.cuda.mem_get_info(self._device)[0]
        self.megabytes = max(0, taken) / 1e6

    @contextmanager
    def _growth(self) -> Iterator[None]:
        stop, start = threading.Event(), resident_bytes()

        def look() -> None:
            self.megabytes = max(self.megabytes, (resident_bytes() - start) / 1e6)

        def watch() -> None:
            while not stop.wait(0.005):
                look()
            look()

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()


def clear_memory(device: str) -> None:
    """Give back unused memory, so that the next work is counted from nothing."""
    gc.collect()
    if device != "cpu":
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()


def seconds_of(work: Callable[[], object], device: str, clock: str) -> float:
    """Measure the seconds of work, waiting for a GPU before and after."""
    if device != "cpu":
        torch.cuda.synchronize(device)
    started = CLOCKS[clock]()
    work()
    if device != "cpu":
        torch.cuda.synchronize(device)
    return CLOCKS[clock]() - started


def medians_in_turns(
    works: Sequence[Callable[[], object]], device: str, runs: int, clock: str
) -> list[float]:
    """Measure the median seconds of each work; they take turns, so that a busy moment hits all."""
    taken = [[seconds_of(work, device, clock) for work in works] for _ in range(runs)]
    return [float(np.median(column)) for column in zip(*taken, strict=True)]


def allow_tf32(allowed: bool) -> None:
    """Let torch shorten fp32 products to TF32, or not."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
