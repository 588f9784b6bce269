"""Figures of requests: each is counted once, with the times of its stages."""

from __future__ import annotations

import pytest

from realtime.web.compat.gpt_sovits.performance_stats import PerformanceStats

# The names of the CUDA fork.
NAMES = {
    "total_requests",
    *(f"total_{stage}_time" for stage in ("tts", "t2s", "vocoder", "postprocess")),
    *(f"avg_{stage}_time" for stage in ("tts", "t2s", "vocoder", "postprocess")),
    "requests_per_second",
}


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stats(clock: Clock) -> PerformanceStats:
    return PerformanceStats(clock)


def test_nothing_is_counted_at_first(stats: PerformanceStats) -> None:
    found = stats.described()
    assert set(found) >= NAMES and not any(found.values())


def test_the_stages_of_a_request(stats: PerformanceStats, clock: Clock) -> None:
    with stats.request() as stopwatch:
        clock.now = 3.0
        stopwatch.note_first_sound({"text": 500, "queue": 500, "first_audio": 3000}, True)
        clock.now = 7.0
        stopwatch.note_last_sound(encoding=1.0)
        clock.now = 8.0
    found = stats.described()
    assert found["total_requests"] == 1 and found["total_tts_time"] == 8.0
    assert found["total_wait_time"] == 1.0 and found["total_t2s_time"] == 2.0
    assert found["total_vocoder_time"] == 3.0 and found["total_postprocess_time"] == 1.0
    assert found["requests_per_second"] == 1 / 8


def test_a_line_that_is_kept_costs_the_engine_nothing(
    stats: PerformanceStats, clock: Clock
) -> None:
    for seconds in (1.0, 3.0):
        with stats.request() as stopwatch:
            stopwatch.note_first_sound({}, False)
            clock.now += seconds
            stopwatch.note_last_sound(0.0)
    found = stats.described()
    assert found["total_t2s_time"] == found["total_vocoder_time"] == 0
    assert (found["total_requests"], found["avg_tts_time"]) == (2, 2.0)


def test_requests_at_once_are_busy_once(stats: PerformanceStats, clock: Clock) -> None:
    with stats.request(), stats.request():
        clock.now = 2.0
        assert (stats.active, stats.most_active) == (2, 2)
    clock.now = 100.0
    assert stats.described()["requests_per_second"] == 1.0
    assert (stats.active, stats.most_active) == (0, 2)


def test_a_failure_is_counted_as_one(stats: PerformanceStats) -> None:
    with pytest.raises(ZeroDivisionError), stats.request():
        raise ZeroDivisionError
    assert (stats.described()["total_requests"], stats.described()["failed_requests"]) == (1, 1)


def test_a_reset_forgets_all_but_what_is_under_way(stats: PerformanceStats, clock: Clock) -> None:
    with stats.request():
        clock.now = 5.0
        stats.reset()
        clock.now = 6.0
        assert stats.active == 1
    found = stats.described()
    assert found["total_requests"] == found["requests_per_second"] == 1
