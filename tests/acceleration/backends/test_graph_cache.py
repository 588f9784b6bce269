"""Recordings are bounded in number and bytes; what cost and served least goes first."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration.backends.graph_cache import HALVED_EVERY, GraphCache
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Sizes
from tests.support.small_networks import CpuGraph, CpuGraphPool


def tape(size: int = 10) -> CpuGraph:
    return CpuGraph(lambda inputs: inputs, (torch.zeros(1),), size)


def keep(held: GraphCache, sizes: Sizes, each: CpuGraph, seconds: float = 1.0) -> None:
    shelf = held.shelf(CpuGraphPool)
    assert isinstance(shelf.pool, CpuGraphPool)
    shelf.pool.tapes.append(each)
    held.add(shelf, sizes, each, seconds)


def test_cost_times_use_decides_who_goes() -> None:
    held = GraphCache(most=2, most_bytes=1_000)
    cheap, dear, new = tape(), tape(), tape()
    keep(held, (1,), cheap, 1.0)
    keep(held, (2,), dear, 10.0)
    for _ in range(3):
        held.get((1,))  # worth 4 × 1 s, less than 1 × 10 s
    keep(held, (3,), new, 0.1)
    assert cheap.closed and not dear.closed and not new.closed
    assert held.get((1,)) is None and held.get((3,)) is new
    assert (held.captures, held.evictions, len(held)) == (3, 1, 2)


def test_recordings_share_a_memory_and_count_as_what_it_holds() -> None:
    held = GraphCache(most=10, most_bytes=100)
    for number, size in enumerate((20, 10, 25, 5)):
        keep(held, (number,), tape(size))
    assert held.bytes == 25 and len(held) == 4


def test_what_is_given_back_is_given_back_by_the_memory() -> None:
    """While one recording of a memory is held nothing of it is free: all of them go."""
    held = GraphCache(most=10, most_bytes=100)
    first, beside, second, third = tape(20), tape(30), tape(40), tape(50)
    keep(held, (0,), first)
    keep(held, (1,), beside)  # on the first shelf too, which is full with it
    keep(held, (2,), second)
    for _ in range(9):
        held.get((2,))
    assert held.bytes == 70 and not any(each.closed for each in (first, beside, second))
    keep(held, (3,), third)
    assert first.closed and beside.closed and not second.closed and not third.closed
    assert (held.bytes, held.evictions) == (90, 2)
    held.drop((2,))
    assert held.bytes == 50


@pytest.mark.parametrize("beside", [0, 20])
def test_what_is_too_large_for_any_memory_is_a_reason(beside: int) -> None:
    held = GraphCache(most=10, most_bytes=100)
    if beside:
        keep(held, (1,), tape(beside))
    large = tape(101)
    with pytest.raises(CannotRun, match="101 bytes, allowed are 100"):
        keep(held, (9,), large)
    assert large.closed and held.bytes == 0
    keep(held, (2,), tape(20))
    assert held.bytes == 20


def test_after_a_failure_the_next_recording_begins_a_memory() -> None:
    held = GraphCache(most=10, most_bytes=100)
    keep(held, (1,), tape(5))
    first = held.shelf(CpuGraphPool)
    assert held.shelf(CpuGraphPool) is first
    held.shut()
    assert held.shelf(CpuGraphPool) is not first


def test_old_uses_fade() -> None:
    held = GraphCache(most=2, most_bytes=1_000)
    old, young = tape(), tape()
    keep(held, (1,), old)
    for _ in range(HALVED_EVERY // 2):
        held.get((1,))
    keep(held, (2,), young)
    for _ in range(HALVED_EVERY // 2 + HALVED_EVERY):
        held.get((2,))
    keep(held, (3,), tape())
    assert old.closed and not young.closed


def test_a_place_is_for_who_is_used_more() -> None:
    held = GraphCache(most=1, most_bytes=1_000)
    assert held.has_place_for(0)
    keep(held, (1,), tape())
    held.get((1,))
    assert not held.has_place_for(2) and held.has_place_for(3)


def test_where_another_would_not_fit_a_place_is_for_who_is_used_more_than_a_memory() -> None:
    held = GraphCache(most=9, most_bytes=100)
    keep(held, (1,), tape(60))
    assert not held.has_place_for(1) and held.has_place_for(2)


def test_the_same_bucket_again_replaces_the_old() -> None:
    held = GraphCache(most=2, most_bytes=1_000)
    first, second = tape(), tape()
    keep(held, (1,), first)
    keep(held, (1,), second)
    assert first.closed and held.get((1,)) is second and len(held) == 1
    held.clear()
    assert second.closed and len(held) == 0 and held.bytes == 0
