"""Buffers have one holder at a time, and what was lent is gone afterwards."""

from __future__ import annotations

import threading

import pytest
import torch

from realtime.acceleration.backends.buffer_lock import BufferLock, Lent
from realtime.acceleration.refusals import NotNow


def lock() -> BufferLock:
    return BufferLock(lambda: None, lambda: None)


def test_one_holder_at_a_time() -> None:
    buffers = lock()
    inside = threading.Event()
    leave = threading.Event()

    def hold() -> None:
        with buffers.turn(10):
            inside.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    with pytest.raises(NotNow, match="held by others"), buffers.turn(0.01):
        pass
    leave.set()
    with buffers.turn(10):
        pass
    holder.join(10)


def test_who_holds_does_not_wait_for_itself() -> None:
    buffers = lock()
    with buffers.turn(1), pytest.raises(NotNow, match="this thread"), buffers.turn(1):
        pass
    with buffers.turn(1):
        pass


def test_a_turn_ends_whatever_happens_in_it() -> None:
    calls: list[str] = []
    buffers = BufferLock(lambda: calls.append("begin"), lambda: calls.append("end"))
    with pytest.raises(ZeroDivisionError), buffers.turn(1):
        raise ZeroDivisionError
    with buffers.turn(1):
        pass
    assert calls == ["begin", "end"] * 2


def test_outputs_of_a_lease_that_is_over_are_refused() -> None:
    lent = Lent((torch.zeros(1),))
    assert len(lent.outputs) == 1
    lent.end()
    with pytest.raises(RuntimeError, match="over"):
        _ = lent.outputs
