"""Delivery of a line: its deadlines, timings and words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from realtime.audio.playback import Playback
from realtime.audio.spoken import Word
from realtime.engines.contract import Chunk
from realtime.models.lanes import WHEN_IDLE
from realtime.speech.synthesis import Delivery, TrimmedPiece

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
    delivery.note_text_ready()
    first = delivery.deliver(SECOND, ())
    assert first is not None and first.timing == {"text": 1000.0, "first_audio": 1000.0}
    delivery.deliver(SECOND, ())
    assert delivery.deadline() == 103.0


def test_what_nobody_waits_for_goes_last_until_somebody_does() -> None:
    is_urgent = False
    delivery = Delivery(Clock(), lambda: is_urgent, Playback())
    assert delivery.deadline() == WHEN_IDLE
    is_urgent = True
    assert delivery.deadline() == 100.0


def test_nothing_is_delivered_of_nothing() -> None:
    assert Delivery(Clock(), lambda: True, Playback()).deliver(SECOND[:0], ()) is None


def test_a_listener_who_ran_dry_is_due_when_there_is_text_again() -> None:
    clock = Clock()
    delivery = Delivery(clock, lambda: True, Playback())
    delivery.sample_rate = 24000
    delivery.note_text_ready()
    delivery.deliver(SECOND, ())
    clock.now = 130.0
    delivery.note_text_ready()
    assert delivery.deadline() == 130.0
    clock.now = 131.0
    delivery.deliver(SECOND, ())
    assert delivery.deadline() == 132.0


def test_waiting_for_the_lane_is_told_with_the_first_sound() -> None:
    clock = Clock()
    delivery = Delivery(clock, lambda: True, Playback())
    clock.now = 100.5
    delivery.note_text_ready()
    clock.now = 101.0
    delivery.note_turn()
    clock.now = 102.0
    delivery.note_turn()
    first = delivery.deliver(SECOND, ())
    assert first is not None
    assert first.timing == {"text": 500.0, "queue": 500.0, "first_audio": 2000.0}


def test_words_end_where_sound_does() -> None:
    engine: Any = SimpleNamespace(sample_rate=24000, keeps_time=False)
    piece = TrimmedPiece(engine, origin=24000)
    silent, loud = np.zeros(12000, np.float32), np.full(12000, 0.5, np.float32)
    words = (Word("a", 0.4, 0.75), Word("b", 0.75, 1.4))
    samples, found = piece.feed(Chunk(np.concatenate([silent, loud, silent]), words))
    assert samples.size == 12000 + 360
    assert 0.9 < found[0].start < 1.0 and found[0].end == found[1].start
    assert found[1].end == pytest.approx(1 + samples.size / 24000)
