"""Too many messages are read slower, and too many for seconds on end are a flood."""

from __future__ import annotations

from realtime.live.message_rate import MessageRate


def test_few_messages_wait_for_nothing() -> None:
    flood = MessageRate(most=10, patience=3)
    waits = [flood.comes(now / 10) for now in range(1, 500)]
    assert not any(waits) and not flood.too_much


def second(flood: MessageRate, start: float, count: int) -> float:
    """So many messages within one second; how long the last one waits."""
    return [flood.comes(start + 0.9 * n / count) for n in range(count)][-1]


def test_what_is_too_much_waits_for_the_next_second() -> None:
    flood = MessageRate(most=10, patience=3)
    assert second(flood, 5.0, 10) == 0.0
    assert flood.comes(5.95) > 0.0
    assert flood.comes(6.0) == 0.0


def test_three_seconds_on_end_are_a_flood() -> None:
    flood = MessageRate(most=10, patience=3)
    for start in (5.0, 6.0):
        second(flood, start, 11)
        assert not flood.too_much
    second(flood, 7.0, 11)
    assert flood.too_much


def test_a_second_with_room_is_forgiven() -> None:
    flood = MessageRate(most=10, patience=3)
    for start in (5.0, 6.0, 8.0, 9.0):
        second(flood, start, 11)
        assert not flood.too_much
    for start in (10.0, 11.0, 12.0):
        second(flood, start, 5)
    for start in (13.0, 14.0):
        second(flood, start, 11)
    assert not flood.too_much
