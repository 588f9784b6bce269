"""Many work at once or one is alone, and nobody waits for itself."""

from __future__ import annotations

import threading

import pytest

from realtime.acceleration.device_lock import DeviceLock
from realtime.acceleration.refusals import NotNow

SECONDS = 30


class Worker:
    """A thread that works until it is told to leave."""

    def __init__(self, gate: DeviceLock) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()
        self._gate = gate
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        with self._gate.working():
            self.inside.set()
            self.leave.wait(SECONDS)

    def end(self) -> None:
        self.leave.set()
        self._thread.join(SECONDS)


def test_work_goes_on_side_by_side() -> None:
    gate = DeviceLock()
    one, other = Worker(gate), Worker(gate)
    assert one.inside.wait(SECONDS) and other.inside.wait(SECONDS)
    one.end()
    other.end()


def test_who_wants_to_be_alone_waits_for_those_at_work() -> None:
    gate = DeviceLock()
    worker = Worker(gate)
    assert worker.inside.wait(SECONDS)
    with pytest.raises(NotNow, match="at work"), gate.alone(0):
        pass
    leaving = threading.Timer(0.01, worker.end)
    leaving.start()
    with gate.alone(SECONDS):
        assert worker.leave.is_set()
    leaving.join(SECONDS)


def test_while_one_is_alone_others_wait_outside() -> None:
    gate = DeviceLock()
    with gate.alone(SECONDS):
        worker = Worker(gate)
        assert not worker.inside.wait(0.05)
        with gate.working(), gate.alone(0):
            pass  # its own
    assert worker.inside.wait(SECONDS)
    worker.end()


def test_a_claim_that_is_given_up_lets_others_in() -> None:
    gate = DeviceLock()
    first = Worker(gate)
    assert first.inside.wait(SECONDS)
    with pytest.raises(NotNow), gate.alone(0):
        pass
    second = Worker(gate)
    assert second.inside.wait(SECONDS)
    first.end()
    second.end()


def test_two_that_work_may_both_be_alone_one_after_the_other() -> None:
    gate = DeviceLock()
    start = threading.Barrier(2)
    alone: list[int] = []
    together: list[bool] = []

    def work(number: int) -> None:
        with gate.working():
            start.wait(SECONDS)
            with gate.alone(SECONDS):
                together.append(bool(alone))
                alone.append(number)
                threading.Event().wait(0.01)
                alone.remove(number)
            assert gate._inside

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert together == [False, False] and not gate._inside


def test_a_wait_within_work_is_not_waited_for() -> None:
    gate = DeviceLock()
    waits, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with gate.working():
            with gate.waiting():
                waits.set()
                go_on.wait(SECONDS)
            assert gate._inside

    thread = threading.Thread(target=work)
    thread.start()
    assert waits.wait(SECONDS)
    with gate.alone(SECONDS):
        go_on.set()
    thread.join(SECONDS)
    assert not thread.is_alive() and not gate._inside


def test_in_passing_nobody_is_waited_for() -> None:
    gate = DeviceLock()
    worker = Worker(gate)
    assert worker.inside.wait(SECONDS)
    with gate.without_waiting(), pytest.raises(NotNow), gate.alone(1e9):
        pass
    worker.end()
    with gate.without_waiting(), gate.alone(1e9):
        pass
