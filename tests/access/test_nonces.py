"""Used nonces stay used, in bounded memory, also when clocks are set."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access.nonces import Nonces
from realtime.errors import Busy, Refused

HELD = 70.0
MOST_BYTES_EACH = 120


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def test_once_and_not_again() -> None:
    nonces = Nonces(10)
    assert nonces.use("bot", "a", 1, until=70, now=0)
    assert not nonces.use("bot", "a", 1, until=70, now=69.9)
    assert nonces.use("bot", "b", 1, until=70, now=0)
    assert nonces.use("page", "a", 1, until=70, now=0)
    assert len(nonces) == 3


def test_owner_and_nonce_do_not_run_together() -> None:
    nonces = Nonces(10)
    assert nonces.use("a", "bc", 1, until=70, now=0)
    assert nonces.use("ab", "c", 1, until=70, now=0)


def test_it_is_held_to_its_end_and_forgotten_soon_after() -> None:
    nonces = Nonces(10)
    nonces.use("bot", "a", 1_000, until=70.5, now=0)
    nonces.use("bot", "b", 2_000, until=70, now=70.5)
    assert len(nonces) == 2
    nonces.use("bot", "c", 3_000, until=200, now=72)
    assert len(nonces) == 1


def test_what_is_forgotten_is_too_old() -> None:
    """Check that one call forgets and refuses: between two calls the nonce would pass again."""
    nonces = Nonces(10)
    nonces.use("bot", "a", 5_000, until=70, now=0)
    with pytest.raises(Refused) as caught:
        nonces.use("bot", "a", 5_000, until=1_000, now=500)
    assert caught.value.code == "stale"
    with pytest.raises(Refused):
        nonces.use("bot", "new", 4_999, until=1_000, now=500)
    assert nonces.use("bot", "new", 5_001, until=1_000, now=500)


def test_full_means_closed_until_there_is_room() -> None:
    nonces = Nonces(2)
    for nonce in "ab":
        nonces.use("bot", nonce, 1, until=70, now=0)
    with pytest.raises(Busy) as caught:
        nonces.use("bot", "c", 1, until=70, now=1)
    assert caught.value.code == "nonces_full" and caught.value.retry_after
    assert not nonces.use("bot", "a", 1, until=70, now=1)
    assert nonces.use("bot", "c", 90_000, until=200, now=100)
    assert len(nonces) == 1


def test_they_stay_longer_when_the_wall_clock_goes_back() -> None:
    nonces = Nonces(10)
    nonces.use("bot", "a", 1, until=70, now=0)
    nonces.keep_longer(3_600)
    assert not nonces.use("bot", "a", 1, until=4_000, now=3_669)
    nonces.use("bot", "b", 2, until=5_000, now=3_673)
    assert len(nonces) == 1


uses = st.tuples(
    st.integers(0, 5),  # which nonce
    st.integers(0, 200_000),  # its stamp, in milliseconds
    st.floats(0, 100),  # for how long it is to be held
    st.floats(0, 50),  # how much time passes before
    st.sampled_from([0.0, 0.0, 0.0, 7.0, 3_600.0]),  # how far the wall clock was set back
)


@given(st.lists(uses, max_size=40), st.integers(1, 4))
def test_nothing_is_used_twice_with_its_stamp(
    told: list[tuple[int, int, float, float, float]], most: int
) -> None:
    nonces, now = Nonces(most), 0.0
    used: set[tuple[int, int]] = set()
    for nonce, stamp_ms, held, passed, back in told:
        now += passed
        if back:
            nonces.keep_longer(back)
        try:
            first = nonces.use("bot", f"{nonce} {stamp_ms}", stamp_ms, now + held, now)
        except (Busy, Refused):
            first = False
        assert not (first and (nonce, stamp_ms) in used)
        assert len(nonces) <= most
        if first:
            used.add((nonce, stamp_ms))


def filled(count: int) -> Nonces:
    """Return a full memory: the nonces came so fast that all are kept at the end."""
    nonces = Nonces(count)
    for number in range(count):
        now = HELD * number / count
        nonces.use("bot", str(number), round(1000 * now) + 1, now + HELD, now)
    assert len(nonces) == count
    return nonces


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_each_costs_little_and_a_full_memory_grows_no_more(traced: None, count: int) -> None:
    before, _ = tracemalloc.get_traced_memory()
    nonces = filled(count)
    full, most = tracemalloc.get_traced_memory()
    assert full - before < MOST_BYTES_EACH * count
    for number in range(1_000):
        with pytest.raises(Busy):
            nonces.use("bot", f"more {number}", 70_000, 2 * HELD, HELD - 1)
    assert tracemalloc.get_traced_memory()[0] <= full + 100_000
    nonces.use("bot", "later", 1_000_000, 4 * HELD, 2 * HELD + 2)
    assert len(nonces) == 1
    assert tracemalloc.get_traced_memory()[0] - before < MOST_BYTES_EACH * count / 2


@pytest.mark.slow
def test_a_million_fit_into_bounded_memory() -> None:
    before = resident_bytes()
    nonces = filled(1_000_000)
    assert resident_bytes() - before < MOST_BYTES_EACH * 1_000_000 * 1.5
    with pytest.raises(Busy):
        nonces.use("bot", "one more", 70_000, 2 * HELD, HELD - 1)
    assert not nonces.use("bot", "999999", 70_000, 2 * HELD, HELD - 1)


def resident_bytes() -> int:
    """Return the memory that the kernel counts; pages that were free before show no growth."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
