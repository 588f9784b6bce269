"""Pitch is the mean of the steps around the likeliest."""

from __future__ import annotations

import pytest
import torch

from realtime.networks.pitch_bins import weighted_pitch

CENTS = torch.arange(40.0) * 100


def likely(**steps: float) -> torch.Tensor:
    found = torch.zeros(1, 40)
    for name, value in steps.items():
        found[0, int(name[1:])] = value
    return found


def test_steps_nearby_are_weighed_and_others_are_not() -> None:
    found = weighted_pitch(likely(s12=0.6, s13=0.2, s17=0.5), CENTS, 0.1)
    assert float(found) == pytest.approx(10 * 2 ** (12.25 / 12))


def test_a_frame_at_the_threshold_is_unvoiced() -> None:
    step = likely(s12=0.5)
    assert float(weighted_pitch(step, CENTS, 0.5)) == 0
    assert float(weighted_pitch(step, CENTS, 0.49)) == pytest.approx(20.0)


def test_an_edge_counts_once_or_again_for_each_step_that_is_missing() -> None:
    edge = likely(s0=0.5, s1=0.4)
    assert float(weighted_pitch(edge, CENTS, 0)) == pytest.approx(10 * 2 ** (0.4 / 0.9 / 12))
    repeated = float(weighted_pitch(edge, CENTS, 0, repeats_edge=True))
    assert repeated == pytest.approx(10 * 2 ** (0.4 / (5 * 0.5 + 0.4) / 12))


def test_nothing_likely_is_unvoiced_and_no_nan() -> None:
    assert float(weighted_pitch(torch.zeros(1, 40), CENTS, 0.03)) == 0
