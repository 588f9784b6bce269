"""Timings of a live conversion's blocks: how long each waited for its engine and was computed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

MOST_BLOCKS = 256  # since the last reading; older ones are forgotten


@dataclass(frozen=True)
class TimingReport:
    """The timings since the last reading: seconds, except `factor`, and medians of the blocks."""

    converted: float  # sound that came through so far, converted or not
    queue: float  # a block waited so long for its engine
    engine: float  # and was computed in so long
    block: float
    latency: float  # how late the algorithm gives a sample, without any computing
    factor: float  # computing time by sounding time


class Timings:
    """The timings of one stream; `latency` and `block` are set by its conversion."""

    def __init__(self) -> None:
        self.latency = 0.0
        self.block = 0.0  # the usual one
        self._converted = self._converted_at_reading = 0.0
        self._blocks: deque[tuple[float, float, float]] = deque(maxlen=MOST_BLOCKS)

    def add_sound(self, seconds: float) -> None:
        """Count sound that came through, converted or not."""
        self._converted += seconds

    def add_block(self, queue: float, engine: float, block: float) -> None:
        self._blocks.append((queue, engine, block))

    def read(self) -> TimingReport | None:
        """Report what came since the last reading, or None where nothing did.

        Sound that passed unconverted is reported with times of 0.
        """
        unchanged = self._converted == self._converted_at_reading
        self._converted_at_reading = self._converted
        if unchanged:
            return None
        if not self._blocks:
            return TimingReport(self._converted, 0.0, 0.0, self.block, self.latency, 0.0)
        queues, engines, blocks = zip(*self._blocks, strict=True)
        self._blocks.clear()
        return TimingReport(
            self._converted,
            median(queues),
            median(engines),
            median(blocks),
            self.latency,
            sum(engines) / sum(blocks),
        )
