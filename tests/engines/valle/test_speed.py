"""Faster is shorter at the same pitch."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.engines.valle.speed import change_speed

RATE = 24_000


@pytest.mark.parametrize("speed", [0.25, 0.8, 1.5, 4.0])
def test_time_changes_and_pitch_does_not(speed: float) -> None:
    tone = np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32)
    changed = change_speed(tone, speed)
    assert changed.size == round(RATE / speed)
    middle = changed[changed.size // 8 : -changed.size // 8]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.size)))
    assert abs(int(spectrum.argmax()) * RATE / middle.size - 200) < RATE / middle.size
    assert 0.6 < np.sqrt(np.mean(middle**2)) < 0.8
    assert np.abs(np.diff(middle)).max() < 0.08  # no click: the tone itself moves by 0.052


def test_the_usual_speed_changes_nothing_and_nothing_stays_nothing() -> None:
    sound = np.ones(5, np.float32)
    assert change_speed(sound, 1.0) is sound
    assert change_speed(np.zeros(0, np.float32), 2.0).size == 0
