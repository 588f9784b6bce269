"""What the blocks of a live conversion took, for whoever watches; it knows no engine."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

MOST_BLOCKS = 256  # since the last reading; older ones are forgotten


@dataclass(frozen=True)
class TimingReport:
    """Seconds, except `factor`; medians of the blocks since the last reading."""

    converted: float  # of what came in, so far
    queue: float  # a block waited so long for its engine
    engine: float  # and was computed in so long
    block: float
    latency: float  # how late the algorithm gives a sample, without any computing
    factor: float  # computing time by sounding time


class Timings:
    """One stream's."""

    def __init__(self) -> None:
        self.latency = 0.0
        self.block = 0.0  # the usual one
        self._converted = self._read = 0.0
        self._blocks: deque[tuple[float, float, float]] = deque(maxlen=MOST_BLOCKS)

    def passed(self, sound: float) -> None:
        """So many seconds are through, converted or not."""
        self._converted += sound

    def worked(self, queue: float, engine: float, block: float) -> None:
        self._blocks.append((queue, engine, block))

    def read(self) -> TimingReport | None:
        """None: nothing came through since the last time. What passes as it is costs nothing."""
        came, self._read = self._converted > self._read, self._converted
        if not came:
            return None
        if not self._blocks:
            return TimingReport(self._converted, 0.0, 0.0, self.block, self.latency, 0.0)
        queue, engine, block = (median(column) for column in zip(*self._blocks, strict=True))
        factor = sum(each[1] for each in self._blocks) / sum(each[2] for each in self._blocks)
        self._blocks.clear()
        return TimingReport(self._converted, queue, engine, block, self.latency, factor)
