"""When a line's turns are due on its lane."""

from __future__ import annotations

import numpy as np

from realtime.lanes import WHEN_IDLE
from realtime.playback import Playback
from realtime.synthesis import Delivery

SECOND = np.zeros(24000, np.float32)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_first_sound_is_due_when_asked_for_and_more_when_it_has_been_heard() -> None:
    clock = Clock()
    delivery = Delivery(clock, lambda: True, Playback())
    delivery.sample_rate = 24000
    assert delivery.deadline() == 100.0
    clock.now = 101.0
    delivery.text_is_ready()
    first = delivery.deliver(SECOND, ())
    assert first is not None and first.timing == {"text": 1000.0, "first_audio": 1000.0}
    delivery.deliver(SECOND, ())
    assert delivery.deadline() == 103.0


def test_what_nobody_waits_for_goes_last_until_somebody_does() -> None:
    pressing = False
    delivery = Delivery(Clock(), lambda: pressing, Playback())
    assert delivery.deadline() == WHEN_IDLE
    pressing = True
    assert delivery.deadline() == 100.0


def test_nothing_is_delivered_of_nothing() -> None:
    assert Delivery(Clock(), lambda: True, Playback()).deliver(SECOND[:0], ()) is None
