"""Tests of the message rate: too many are read slower, and for seconds on end are too many."""

from __future__ import annotations

from realtime.live.message_rate import MessageRate


def test_few_messages_wait_for_nothing() -> None:
    rate = MessageRate(most=10, patience=3)
    waits = [rate.count(now / 10) for now in range(1, 500)]
    assert not any(waits) and not rate.exceeded


def second(rate: MessageRate, start: float, count: int) -> float:
    """Count so many messages within one second; return how long the last one waits."""
    return [rate.count(start + 0.9 * n / count) for n in range(count)][-1]


def test_what_is_too_much_waits_for_the_next_second() -> None:
    rate = MessageRate(most=10, patience=3)
    assert second(rate, 5.0, 10) == 0.0
    assert rate.count(5.95) > 0.0
    assert rate.count(6.0) == 0.0


def test_three_seconds_on_end_are_a_flood() -> None:
    rate = MessageRate(most=10, patience=3)
    for start in (5.0, 6.0):
        second(rate, start, 11)
        assert not rate.exceeded
    second(rate, 7.0, 11)
    assert rate.exceeded


def test_a_second_with_room_is_forgiven() -> None:
    rate = MessageRate(most=10, patience=3)
    for start in (5.0, 6.0, 8.0, 9.0):
        second(rate, start, 11)
        assert not rate.exceeded
    for start in (10.0, 11.0, 12.0):
        second(rate, start, 5)
    for start in (13.0, 14.0):
        second(rate, start, 11)
    assert not rate.exceeded
