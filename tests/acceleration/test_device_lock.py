"""Threads work at once or one is alone, and no thread waits for itself."""

from __future__ import annotations

import threading

import pytest

from realtime.acceleration.device_lock import DeviceLock
from realtime.acceleration.refusals import NotNow

SECONDS = 30


class Worker:
    """A thread that works until it is told to leave."""

    def __init__(self, lock: DeviceLock) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()
        self._lock = lock
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        with self._lock.working():
            self.inside.set()
            self.leave.wait(SECONDS)

    def end(self) -> None:
        self.leave.set()
        self._thread.join(SECONDS)


def test_work_goes_on_side_by_side() -> None:
    lock = DeviceLock()
    one, other = Worker(lock), Worker(lock)
    assert one.inside.wait(SECONDS) and other.inside.wait(SECONDS)
    one.end()
    other.end()


def test_who_wants_to_be_alone_waits_for_those_at_work() -> None:
    lock = DeviceLock()
    worker = Worker(lock)
    assert worker.inside.wait(SECONDS)
    with pytest.raises(NotNow, match="at work"), lock.alone(0):
        pass
    leaving = threading.Timer(0.01, worker.end)
    leaving.start()
    with lock.alone(SECONDS):
        assert worker.leave.is_set()
    leaving.join(SECONDS)


def test_while_one_is_alone_others_wait_outside() -> None:
    lock = DeviceLock()
    with lock.alone(SECONDS):
        worker = Worker(lock)
        assert not worker.inside.wait(0.05)
        with lock.working(), lock.alone(0):
            pass  # its own
    assert worker.inside.wait(SECONDS)
    worker.end()


def test_a_claim_that_is_given_up_lets_others_in() -> None:
    lock = DeviceLock()
    first = Worker(lock)
    assert first.inside.wait(SECONDS)
    with pytest.raises(NotNow), lock.alone(0):
        pass
    second = Worker(lock)
    assert second.inside.wait(SECONDS)
    first.end()
    second.end()


def test_two_that_work_may_both_be_alone_one_after_the_other() -> None:
    lock = DeviceLock()
    start = threading.Barrier(2)
    alone: list[int] = []
    together: list[bool] = []

    def work(number: int) -> None:
        with lock.working():
            start.wait(SECONDS)
            with lock.alone(SECONDS):
                together.append(bool(alone))
                alone.append(number)
                threading.Event().wait(0.01)
                alone.remove(number)
            assert lock._working

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert together == [False, False] and not lock._working


def test_a_wait_within_work_is_not_waited_for() -> None:
    lock = DeviceLock()
    waits, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with lock.working():
            with lock.waiting():
                waits.set()
                go_on.wait(SECONDS)
            assert lock._working

    thread = threading.Thread(target=work)
    thread.start()
    assert waits.wait(SECONDS)
    with lock.alone(SECONDS):
        go_on.set()
    thread.join(SECONDS)
    assert not thread.is_alive() and not lock._working


def test_in_passing_nobody_is_waited_for() -> None:
    lock = DeviceLock()
    worker = Worker(lock)
    assert worker.inside.wait(SECONDS)
    with lock.without_waiting(), pytest.raises(NotNow), lock.alone(1e9):
        pass
    worker.end()
    with lock.without_waiting(), lock.alone(1e9):
        pass
