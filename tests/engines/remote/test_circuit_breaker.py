"""Tests of the circuit breaker, with a clock of its own."""

from __future__ import annotations

import pytest

from realtime.engines.contract import WorkCancelled
from realtime.engines.remote import faults
from realtime.engines.remote.circuit_breaker import CircuitBreaker
from realtime.errors import Unavailable


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("remote_openai:home", failures=2, seconds=10.0, clock=clock)


def ask(breaker: CircuitBreaker, error: BaseException | None = None) -> None:
    with breaker.request():
        if error is not None:
            raise error


def fail(breaker: CircuitBreaker) -> None:
    with pytest.raises(Exception, match="failed"):
        ask(breaker, faults.failed("home", "x"))


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    fail(breaker)
    ask(breaker)
    fail(breaker)
    assert not breaker.is_open, "one went well in between"
    fail(breaker)
    assert breaker.is_open
    with pytest.raises(Unavailable) as refused:
        ask(breaker)
    assert refused.value.code == "upstream_paused" and refused.value.retry_after == 10.0


def test_one_trial_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker)
    fail(breaker)
    clock.now += 10
    with breaker.request():
        with pytest.raises(Unavailable):
            ask(breaker)  # while one tries, the others still wait
    assert not breaker.is_open
    ask(breaker)


def test_a_trial_that_fails_opens_it_for_as_long_again(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(breaker)
    fail(breaker)
    clock.now += 10
    fail(breaker)
    clock.now += 9
    with pytest.raises(Unavailable):
        ask(breaker)
    clock.now += 1
    ask(breaker)


@pytest.mark.parametrize(
    "error", [WorkCancelled(), faults.refused("home", 400, "x"), faults.denied("home", 401, "x")]
)
def test_what_says_nothing_about_the_server_is_not_counted(
    breaker: CircuitBreaker, clock: Clock, error: Exception
) -> None:
    fail(breaker)
    for _ in range(3):
        with pytest.raises(type(error)):
            ask(breaker, error)
    assert not breaker.is_open
    fail(breaker)
    clock.now += 10
    with pytest.raises(type(error)):
        ask(breaker, error)  # the trial was cancelled: the next one tries
    ask(breaker)
    assert not breaker.is_open
