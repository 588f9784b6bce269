"""Medians of the blocks since the last reading, in bounded memory."""

from __future__ import annotations

from realtime.conversion.timings import MOST_BLOCKS, TimingReport, Timings


def test_a_reading_has_what_came_since_the_last_one() -> None:
    timings = Timings()
    timings.latency = 0.06
    assert timings.read() is None
    for queue, engine in ((0.0, 0.001), (0.001, 0.002), (0.5, 0.9)):
        timings.add_block(queue, engine, 0.02)
        timings.add_sound(0.02)
    found = timings.read()
    assert found is not None
    assert (found.queue, found.engine, found.block, found.latency) == (0.001, 0.002, 0.02, 0.06)
    assert abs(found.converted - 0.06) < 1e-9 and abs(found.factor - 0.903 / 0.06) < 1e-9
    assert timings.read() is None


def test_sound_that_passes_unconverted_is_read_as_well() -> None:
    timings = Timings()
    timings.block = 0.02
    timings.add_sound(0.5)
    found = timings.read()
    assert found is not None
    assert (found.converted, found.queue, found.engine, found.factor) == (0.5, 0.0, 0.0, 0.0)
    assert found.block == 0.02 and timings.read() is None


def test_memory_is_bounded_when_nobody_reads() -> None:
    timings = Timings()
    timings.add_sound(1.0)
    for number in range(10 * MOST_BLOCKS):
        timings.add_block(0.0, float(number), 0.02)
    found = timings.read()
    assert isinstance(found, TimingReport) and found.engine >= 9 * MOST_BLOCKS
