"""Clock drift: a player's store stays as large as it was, for half an hour and more."""

from __future__ import annotations

import random

import pytest

from realtime.conversion.clock_drift import JUMP_SECONDS, MOST, ClockDrift

BLOCK = 0.04
HALF_HOUR = 1_800.0


def stores(ppm: float, seconds: float, jitter: float = 0.0) -> list[float]:
    """Return the player's store after each block, when the microphone's clock is `ppm` too fast."""
    drift, ratio = ClockDrift(), 1.0
    given, now = 0.2, 0.0
    chance = random.Random(1)
    found = []
    while now < seconds:
        now += BLOCK
        given += BLOCK * (1 + ppm * 1e-6) / ratio
        ratio = drift.update(given, now + chance.uniform(-jitter, jitter), BLOCK)
        assert abs(ratio - 1) <= MOST
        found.append(given - now)
    return found


@pytest.mark.parametrize("ppm", [-200.0, 0.0, 200.0])
@pytest.mark.parametrize("jitter", [0.0, 0.01])
def test_the_store_stays_what_it_was(ppm: float, jitter: float) -> None:
    found = stores(ppm, HALF_HOUR, jitter)
    assert all(abs(store - 0.2) < 0.005 for store in found)
    assert abs(found[-1] - 0.2) < 0.002


def test_unfollowed_the_same_clocks_would_part() -> None:
    assert 200e-6 * HALF_HOUR > 0.3


def test_a_jump_is_taken_as_the_new_store() -> None:
    """Check that a player which was empty, or left something out, is not chased."""
    drift = ClockDrift()
    for number in range(1_000):
        drift.update(0.2 + number * BLOCK, number * BLOCK, BLOCK)
    jump = 2 * JUMP_SECONDS
    for number in range(1_000, 2_000):
        ratio = drift.update(0.2 + jump + number * BLOCK, number * BLOCK, BLOCK)
        assert abs(ratio - 1) < 1e-6
