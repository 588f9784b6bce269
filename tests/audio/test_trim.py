"""Edges are cut to the promised lengths, however sound comes in, and nothing audible is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.samples import AUDIBLE, Samples
from realtime.audio.trim import LEAD_SECONDS, TAIL_SECONDS, Trimmer

RATE = 24000


def sound(lead: float, body: float, tail: float) -> Samples:
    tone = 0.3 * np.sin(2 * np.pi * 440 / RATE * np.arange(round(body * RATE)) + np.pi / 2)
    parts = [np.zeros(round(lead * RATE)), tone, np.zeros(round(tail * RATE))]
    return np.concatenate(parts).astype(np.float32)


def trimmed(samples: Samples, cuts: list[int], **edges: bool) -> Samples:
    trimmer = Trimmer(RATE, **edges)
    parts = [trimmer.feed(part) for part in np.split(samples, cuts)]
    return np.concatenate([*parts, trimmer.finish()])


def test_lead_and_tail_have_the_promised_lengths() -> None:
    found = trimmed(sound(0.4, 0.5, 0.5), [])
    assert found.size == pytest.approx((LEAD_SECONDS + 0.5 + TAIL_SECONDS) * RATE, abs=3)
    assert np.flatnonzero(np.abs(found) > AUDIBLE)[0] <= LEAD_SECONDS * RATE + 1


@given(st.lists(st.integers(0, round(1.4 * RATE)), max_size=6))
def test_the_same_however_it_comes(cuts: list[int]) -> None:
    whole = trimmed(sound(0.4, 0.5, 0.5), [])
    assert np.allclose(trimmed(sound(0.4, 0.5, 0.5), sorted(cuts)), whole, atol=1e-6)


def test_a_pause_inside_stays() -> None:
    twice = np.concatenate([sound(0.1, 0.2, 0.3), sound(0.3, 0.2, 0.1)])
    found = trimmed(twice, [9000, 12000])
    assert found.size == pytest.approx(
        (LEAD_SECONDS + 0.2 + 0.6 + 0.2 + TAIL_SECONDS) * RATE, abs=3
    )


def test_a_soft_onset_is_kept() -> None:
    rising = sound(0.4, 0.5, 0.0)
    rising[round(0.4 * RATE) : round(0.44 * RATE)] *= 0.01
    found = trimmed(rising, [])
    assert found.size >= 0.5 * RATE


def test_the_start_of_a_line_is_cut_to_its_lead_even_before_a_soft_onset() -> None:
    rising = sound(0.4, 0.5, 0.0)
    rising[round(0.4 * RATE) : round(0.44 * RATE)] *= 0.01
    found = trimmed(rising, [], soft=False)
    assert np.flatnonzero(np.abs(found) > AUDIBLE)[0] <= LEAD_SECONDS * RATE


def test_edges_can_be_left_alone() -> None:
    samples = sound(0.4, 0.5, 0.5)
    assert np.array_equal(trimmed(samples, [5], lead=False, tail=False), samples)


def test_silence_alone_becomes_nothing() -> None:
    assert trimmed(np.zeros(RATE, np.float32), [100]).size == 0


def test_it_ends_without_a_click() -> None:
    found = trimmed(sound(0.0, 0.5, 0.3), [])
    assert abs(found[-1]) < 1e-3
    assert np.abs(np.diff(found[-round(TAIL_SECONDS * RATE) :])).max() < 0.05
