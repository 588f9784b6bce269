"""The clocks of the machine, unless a test gives its own."""

from __future__ import annotations

import time

from realtime.access import Clock
from tests.support.signed_requests import Hands


def test_the_wall_clock_tells_unix_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    now = Clock().now_ms()
    assert before <= now <= time.time_ns() // 1_000_000


def test_the_running_clock_never_goes_back() -> None:
    clock = Clock()
    told = [clock.running() for _ in range(100)]
    assert told == sorted(told)


def test_chance_is_long_enough_and_new_each_time() -> None:
    found = {Clock().chance(16) for _ in range(1_000)}
    assert len(found) == 1_000
    assert all(len(each) == 22 for each in found)


def test_both_clocks_can_be_set_apart() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.ms -= 3_600_000
    hands.running += 1
    assert clock.now_ms() == hands.ms and clock.running() == 1_001.0
