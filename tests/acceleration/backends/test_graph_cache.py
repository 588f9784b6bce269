"""Graphs are bounded in number and bytes; the least used are closed first."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from realtime.acceleration.backends.graph_cache import GraphCache
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Sizes
from tests.support.small_networks import CpuGraph, CpuRecorder


class Held:
    """A cache with a recorder of CPU graphs, and the uses of its buckets."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self.recorder = CpuRecorder()
        self.uses: Counter[Sizes] = Counter()
        self.cache = GraphCache(self.recorder, most, most_bytes, self.uses.__getitem__)

    def capture(self, bucket: int, size: int = 10, uses: int = 0) -> CpuGraph:
        self.recorder.size = size
        self.uses[(bucket,)] = uses
        self.cache.capture((bucket,), lambda inputs: inputs, (torch.zeros(1),))
        return self.recorder.graphs[-1]


def test_the_least_used_goes_first() -> None:
    held = Held(most=2, most_bytes=1_000)
    rare, frequent = held.capture(1, uses=3), held.capture(2, uses=4)
    new = held.capture(3)
    assert rare.closed and not frequent.closed and not new.closed
    assert held.cache.get((1,)) is None and held.cache.get((3,)) is new
    assert (held.cache.captures, held.cache.evictions, len(held.cache)) == (3, 1, 2)


def test_graphs_share_a_memory_and_count_as_what_it_holds() -> None:
    held = Held(most=10, most_bytes=100)
    for number, size in enumerate((20, 10, 25, 5)):
        held.capture(number, size)
    assert held.cache.bytes == 25 and len(held.cache) == 4
    assert len(held.recorder.pools) == 1


def test_memory_is_given_back_by_the_pool() -> None:
    """A pool gives back nothing while one of its graphs is held: all of them are closed."""
    held = Held(most=10, most_bytes=100)
    first = held.capture(0, 20)
    beside = held.capture(1, 30)  # in the first pool too, which is full with it
    second = held.capture(2, 40, uses=9)
    assert held.cache.bytes == 70 and not any(each.closed for each in (first, beside, second))
    third = held.capture(3, 50)
    assert first.closed and beside.closed and not second.closed and not third.closed
    assert (held.cache.bytes, held.cache.evictions) == (90, 2)
    held.cache.drop((2,))
    assert held.cache.bytes == 50


@pytest.mark.parametrize("beside", [0, 20])
def test_a_graph_that_is_too_large_for_any_memory_is_refused(beside: int) -> None:
    held = Held(most=10, most_bytes=100)
    if beside:
        held.capture(1, beside)
    with pytest.raises(CannotRun, match="101 bytes, allowed are 100"):
        held.capture(9, 101)
    assert held.recorder.graphs[-1].closed and held.cache.bytes == 0
    held.capture(2, 20)
    assert held.cache.bytes == 20


def test_after_a_failure_the_next_graph_begins_a_pool() -> None:
    held = Held(most=10, most_bytes=100)
    held.capture(1, 5)
    held.capture(2, 5)
    held.recorder.fault = RuntimeError("operation not permitted when stream is capturing")
    with pytest.raises(RuntimeError, match="not permitted"):
        held.capture(3, 5)
    held.recorder.fault = None
    held.capture(3, 5)
    assert [len(pool.graphs) for pool in held.recorder.pools] == [2, 1]


def test_a_pool_that_was_given_back_is_not_used_again() -> None:
    held = Held(most=10, most_bytes=100)
    held.capture(1, 5)
    held.cache.drop((1,))
    held.capture(2, 5)
    assert [len(pool.graphs) for pool in held.recorder.pools] == [1, 1]


def test_a_place_is_for_a_bucket_that_is_used_more() -> None:
    held = Held(most=1, most_bytes=1_000)
    held.uses.update({(2,): 2, (3,): 3})
    assert held.cache.has_place_for((9,))
    held.capture(1, uses=2)
    assert not held.cache.has_place_for((2,)) and held.cache.has_place_for((3,))


def test_where_another_would_not_fit_a_place_is_for_one_that_is_used_more_than_a_pool() -> None:
    held = Held(most=9, most_bytes=100)
    held.capture(1, 60, uses=1)
    held.uses.update({(2,): 1, (3,): 2})
    assert not held.cache.has_place_for((2,)) and held.cache.has_place_for((3,))


def test_the_same_bucket_again_replaces_the_old_graph() -> None:
    held = Held(most=2, most_bytes=1_000)
    first, second = held.capture(1), held.capture(1)
    assert first.closed and held.cache.get((1,)) is second and len(held.cache) == 1
    held.cache.clear()
    assert second.closed and len(held.cache) == 0 and held.cache.bytes == 0
