"""Phases that go on from sound to sound, and stay exact however long a stream is."""

from __future__ import annotations

import pytest
import torch

from realtime.vocoders.networks.harmonic_source import HarmonicSource, phases, sine_source

HOP, RATE = 400, 40_000


def test_a_phase_goes_on_where_the_last_sound_ended() -> None:
    pitch = torch.rand(2, 50) * 300 + 100
    whole = phases(pitch, HOP, RATE, 0.3)
    first = phases(pitch[:, :20], HOP, RATE, 0.3)
    second = phases(pitch[:, 20:], HOP, RATE, first.end)
    joined = torch.cat([first.each, second.each], 1)
    assert apart(joined, whole.each) < 1e-9
    assert apart(second.end, whole.end) < 1e-9


@pytest.mark.slow
def test_half_an_hour_loses_no_phase() -> None:
    """The exact sum for 110 Hz: 1.1 cycles each frame."""
    end: torch.Tensor | float = 0.0
    for _ in range(18):
        end = phases(torch.full((1, 10_000), 110.0), HOP, RATE, end).end
    assert isinstance(end, torch.Tensor)
    assert apart(end, torch.tensor([180_000 * 1.1])) < 1e-6


@pytest.mark.parametrize("glide", [False, True])
def test_phases_are_the_sums_of_the_pitch(glide: bool) -> None:
    pitch = torch.tensor([[100.0, 200.0, 150.0]])
    found = phases(pitch, 4, 1000, glide=glide).each[0]
    sums, total = [], 0.0
    for frame, now in enumerate((0.1, 0.2, 0.15)):
        after = (0.2, 0.15, 0.15)[frame] if glide else now
        for sample in range(4):
            total += now + (after - now) * sample / 4
            sums.append(total % 1)
    assert apart(found, torch.tensor(sums, dtype=torch.float64)) < 1e-7


def test_without_a_pitch_there_is_noise_alone() -> None:
    source = HarmonicSource(3, HOP, RATE)
    torch.nn.init.ones_(source.l_linear.weight)
    torch.nn.init.zeros_(source.l_linear.bias)
    pitch = torch.tensor([[0.0, 200.0]])
    silent = torch.zeros(1, 2 * HOP, 3)
    with torch.inference_mode():
        quiet = source(pitch, silent).signal[0, 0]
        noisy = source(pitch, silent + 1).signal[0, 0]
    assert quiet[:HOP].abs().max() == 0
    assert quiet[HOP:].abs().max() > 0.1
    assert noisy[:HOP].min() > 10 * (noisy - quiet)[HOP:].max() * 0.9
    assert sine_source(pitch, HOP, RATE).signal.shape == (1, 1, 2 * HOP)


def apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the largest distance of phases, round the circle."""
    turns = (found - expected).remainder(1.0)
    return float(torch.minimum(turns, 1 - turns).max())
