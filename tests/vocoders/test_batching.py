"""Windows of several requests share runs, and each request gets its own results."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from realtime.vocoders.batching import Batches
from tests.support.concurrent_threads import run_in_threads


def doubled(stack: Any) -> Any:
    return stack * 2


def test_equal_windows_share_runs_and_come_back_in_order() -> None:
    shapes: list[tuple[int, ...]] = []

    def run(stack: Any) -> Any:
        shapes.append(stack.shape)
        return stack * 2

    batches = Batches(run, np.stack, lambda: 3)
    given = [np.full(4 if n % 2 else 5, n) for n in range(8)]
    for window, result in zip(given, batches(given), strict=True):
        assert np.array_equal(result, window * 2)
    assert sorted(shapes) == [(1, 4), (1, 5), (3, 4), (3, 5)]


def test_who_comes_while_another_runs_is_taken_along() -> None:
    running, go_on = threading.Event(), threading.Event()
    counts: list[int] = []

    def run(stack: Any) -> Any:
        counts.append(len(stack))
        if len(counts) == 1:
            running.set()
            assert go_on.wait(60)
        return stack * 2

    batches = Batches(run, np.stack, lambda: 8)
    found: dict[int, Any] = {}

    def ask(number: int) -> None:
        found[number] = batches([np.full(3, number)])[0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    threads[0].start()
    assert running.wait(60)
    for thread in threads[1:]:
        thread.start()
    while len(batches._waiting) < 4:
        pass
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert counts == [1, 4]
    assert {number: int(result[0]) for number, result in found.items()} == {
        number: 2 * number for number in range(5)
    }


def test_many_threads_get_their_own() -> None:
    batches = Batches(doubled, np.stack, lambda: 4)
    wrong: list[int] = []

    def ask(number: int) -> None:
        for turn in range(50):
            window = np.full(3 + turn % 3, 1_000 * number + turn)
            if not np.array_equal(batches([window, window + 1])[1], (window + 1) * 2):
                wrong.append(number)

    run_in_threads(6, ask)
    assert not wrong


def test_an_error_is_that_of_its_batch_alone() -> None:
    def run(stack: Any) -> Any:
        if stack.shape[1] == 3:
            raise MemoryError("three")
        return stack * 2

    batches = Batches(run, np.stack, lambda: 4)
    with pytest.raises(MemoryError, match="three"):
        batches([np.zeros(2), np.zeros(3)])
    assert len(batches([np.zeros(2)])) == 1
    assert batches([]) == []
