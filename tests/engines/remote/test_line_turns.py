"""Tests of the turns of lines at a server."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from realtime.engines.contract import LineState, WorkCancelled
from realtime.engines.remote.call import RemoteCall
from realtime.engines.remote.line_turns import HOLD_SECONDS, STARTED_WITH, LineTurns, Weights
from tests.support.polling import wait_until

A, B = Weights("a", "a"), Weights("b", "b")


class Waiter(threading.Thread):
    """A piece that asks for a turn on a thread, and keeps it until the test ends it."""

    def __init__(self, turns: LineTurns, line: LineState, weights: Weights = STARTED_WITH) -> None:
        super().__init__(daemon=True)
        self.turns, self.line, self.weights = turns, line, weights
        self.has_turn, self.may_end = threading.Event(), threading.Event()
        self.call = RemoteCall()
        self.start()

    def run(self) -> None:
        line, self.line = self.line, LineState()
        with self.turns.turn(line, self.weights, self.call) as switches:
            if switches:
                self.turns.note_present(self.weights)
            self.has_turn.set()
            del line
            self.may_end.wait(30)

    def end(self) -> None:
        assert self.has_turn.wait(30)
        self.may_end.set()
        self.join(30)


def test_so_many_lines_at_once_and_the_others_in_their_order() -> None:
    turns = LineTurns(2)
    waiters = []
    for number in range(4):
        waiters.append(Waiter(turns, LineState()))
        wait_until(lambda number=number: number < 2 or len(turns._waiting) == number - 1)
    assert all(waiter.has_turn.wait(30) for waiter in waiters[:2])
    assert not any(waiter.has_turn.is_set() for waiter in waiters[2:])
    waiters[0].end()
    assert waiters[2].has_turn.wait(30) and not waiters[3].has_turn.is_set()
    for waiter in waiters:
        waiter.end()


def test_lines_with_the_same_weights_run_together_and_others_wait() -> None:
    turns = LineTurns(4)
    first, second = Waiter(turns, LineState(), A), Waiter(turns, LineState(), A)
    assert first.has_turn.wait(30) and second.has_turn.wait(30)
    other = Waiter(turns, LineState(), B)
    wait_until(lambda: turns._waiting)
    late = Waiter(turns, LineState(), A)
    wait_until(lambda: len(turns._waiting) == 2)
    first.end()
    assert not other.has_turn.is_set()
    second.end()
    assert other.has_turn.wait(30) and not late.has_turn.is_set(), "it came after the other"
    other.end()
    late.end()
    assert turns.present == A and turns.was_switched


def test_a_line_that_has_not_ended_keeps_its_weights_for_a_while() -> None:
    now = [0.0]
    turns = LineTurns(1, lambda: now[0])
    line = LineState()
    Waiter(turns, line, A).end()
    other = Waiter(turns, LineState(), B)
    wait_until(lambda: turns._waiting)
    Waiter(turns, line, A).end()  # its next piece passes who waits for other weights
    assert not other.has_turn.is_set()
    now[0] += HOLD_SECONDS + 1
    other.end()
    assert turns.present == B


def test_weights_that_were_not_noted_are_unknown() -> None:
    turns = LineTurns(1)
    with turns.turn(LineState(), A, RemoteCall()) as switches:
        assert switches
    with turns.turn(LineState(), A, RemoteCall()) as switches:
        assert switches, "the first one failed to switch"


def test_who_is_cancelled_leaves_the_queue() -> None:
    turns = LineTurns(1)
    call = RemoteCall()
    with ExitStack() as stack:
        stack.enter_context(turns.turn(LineState(), STARTED_WITH, RemoteCall()))
        call.cancel()
        with pytest.raises(WorkCancelled):
            stack.enter_context(turns.turn(LineState(), STARTED_WITH, call))
    assert not turns._waiting
    with turns.turn(LineState(), STARTED_WITH, RemoteCall()) as switches:
        assert not switches
