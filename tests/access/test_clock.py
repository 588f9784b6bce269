"""The clocks of the machine, unless a test gives its own."""

from __future__ import annotations

import time

from realtime.access import Clock
from tests.support.signed_requests import FakeTime


def test_the_wall_clock_tells_unix_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    now = Clock().now_ms()
    assert before <= now <= time.time_ns() // 1_000_000


def test_the_monotonic_clock_never_goes_back() -> None:
    clock = Clock()
    times = [clock.monotonic() for _ in range(100)]
    assert times == sorted(times)


def test_random_texts_are_long_enough_and_new_each_time() -> None:
    found = {Clock().random_text(16) for _ in range(1_000)}
    assert len(found) == 1_000
    assert all(len(each) == 22 for each in found)


def test_both_clocks_can_be_set_apart() -> None:
    fake_time = FakeTime()
    clock = fake_time.clock()
    fake_time.ms -= 3_600_000
    fake_time.monotonic += 1
    assert clock.now_ms() == fake_time.ms and clock.monotonic() == 1_001.0
