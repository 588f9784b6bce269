"""The noise gate: exact silence below its level, untouched sound above it, and no click."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.conversion.noise_gate import NoiseGate, Samples

RATE = 24000
BLOCK = 480


def tone(seconds: float, level: float) -> Samples:
    """Make a sine whose power is `level` dBFS."""
    place = np.arange(round(seconds * RATE)) / RATE
    return (np.sqrt(2) * 10 ** (level / 20) * np.sin(2 * np.pi * 200 * place)).astype(np.float32)


def through(sound: Samples, level: float = -50.0) -> Samples:
    gate = NoiseGate(level, RATE)
    blocks = np.split(sound, range(BLOCK, sound.size, BLOCK))
    return np.concatenate([gate.feed(block) for block in blocks])


def test_what_is_too_quiet_is_silence_and_what_is_not_is_untouched() -> None:
    assert not through(tone(1, -52)).any()
    loud = tone(1, -48)
    assert np.array_equal(through(loud)[BLOCK:], loud[BLOCK:])


def test_off_it_touches_nothing() -> None:
    faint = tone(0.1, -89)
    assert np.array_equal(through(faint, -90.0), faint)


def test_once_open_it_stays_open_for_what_is_a_little_quieter() -> None:
    sound = np.concatenate([tone(0.1, -48), tone(1, -54)])
    assert np.array_equal(through(sound)[BLOCK:], sound[BLOCK:])


def test_it_closes_when_it_was_quiet_for_a_while() -> None:
    sound = np.concatenate([tone(0.1, -20), tone(0.5, -70)])
    found = through(sound)
    open_still = slice(round(0.11 * RATE), round(0.28 * RATE))
    assert np.array_equal(found[open_still], sound[open_still])
    assert not found[round(0.32 * RATE) :].any()


@pytest.mark.parametrize("level", [-45.0, -10.0])
def test_it_opens_and_closes_without_a_click(level: float) -> None:
    constant = np.full(RATE // 2, 10 ** (level / 20), np.float32)
    pause = np.full(RATE // 2, 1e-6, np.float32)
    found = through(np.concatenate([pause, constant, pause, constant]))
    steps = np.abs(np.diff(found))[: RATE - 1]
    assert steps.max() < 0.02 * 10 ** (level / 20)


def test_an_empty_block_is_an_empty_block() -> None:
    assert not NoiseGate(-50.0, RATE).feed(np.zeros(0, np.float32)).size
