"""Time and memory of work on a processor or a GPU; it knows no network."""

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
    """After so many minutes nothing more is begun, and what was left out is told."""

    def __init__(self, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + 60 * minutes
        self.skipped: list[str] = []

    def over(self, name: str) -> bool:
        """Whether it is too late to begin this."""
        late = self._clock() > self._end
        if late:
            self.skipped.append(name)
        return late


class Memory:
    """The megabytes that work takes.

    On a GPU it is what the driver has given to this process since the gauge was made, when the
    work is done and nothing was given back: so the memory of graphs counts, which take none when
    they are played, and that of runtimes besides torch. On a processor it is the most that the
    process grew by while it was watched.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self.megabytes = 0.0
        cleared(device)
        self._free = 0 if device == "cpu" else torch.cuda.mem_get_info(device)[0]

    @contextmanager
    def watched(self) -> Iterator[None]:
        cleared(self._device)
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


def cleared(device: str) -> None:
    """What nobody holds is given back, so that the next work is counted from nothing."""
    gc.collect()
    if device != "cpu":
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()


def timed(work: Callable[[], object], device: str, clock: str) -> float:
    """Seconds until it is done; a GPU is waited for before and after."""
    if device != "cpu":
        torch.cuda.synchronize(device)
    started = CLOCKS[clock]()
    work()
    if device != "cpu":
        torch.cuda.synchronize(device)
    return CLOCKS[clock]() - started


def in_turns(
    works: Sequence[Callable[[], object]], device: str, runs: int, clock: str
) -> list[float]:
    """The median of each; they take turns, so that a busy moment is nobody's alone."""
    taken = [[timed(work, device, clock) for work in works] for _ in range(runs)]
    return [float(np.median(column)) for column in zip(*taken, strict=True)]


def tf32(allowed: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
