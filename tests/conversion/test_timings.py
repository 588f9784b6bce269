"""Medians of the blocks since the last reading, in bounded memory."""

from __future__ import annotations

from realtime.conversion.timings import MOST_BLOCKS, TimingReport, Timings


def test_it_tells_what_came_since_the_last_time() -> None:
    meter = Timings()
    meter.latency = 0.06
    assert meter.read() is None
    for queue, engine in ((0.0, 0.001), (0.001, 0.002), (0.5, 0.9)):
        meter.worked(queue, engine, 0.02)
        meter.passed(0.02)
    found = meter.read()
    assert found is not None
    assert (found.queue, found.engine, found.block, found.latency) == (0.001, 0.002, 0.02, 0.06)
    assert abs(found.converted - 0.06) < 1e-9 and abs(found.factor - 0.903 / 0.06) < 1e-9
    assert meter.read() is None


def test_what_passes_as_it_is_is_told_as_well() -> None:
    meter = Timings()
    meter.block = 0.02
    meter.passed(0.5)
    found = meter.read()
    assert found is not None
    assert (found.converted, found.queue, found.engine, found.factor) == (0.5, 0.0, 0.0, 0.0)
    assert found.block == 0.02 and meter.read() is None


def test_nobody_reads_for_long() -> None:
    meter = Timings()
    meter.passed(1.0)
    for number in range(10 * MOST_BLOCKS):
        meter.worked(0.0, float(number), 0.02)
    found = meter.read()
    assert isinstance(found, TimingReport) and found.engine >= 9 * MOST_BLOCKS
