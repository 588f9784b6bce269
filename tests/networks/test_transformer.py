"""Places are told by waves, and norms by their stage."""

from __future__ import annotations

import torch

from realtime.networks.transformer import StageNorm, sinusoids


def test_waves_are_sines_and_cosines_in_turn() -> None:
    waves = sinusoids(5, 4)
    places = torch.arange(5)
    torch.testing.assert_close(waves[:, 0], torch.sin(places))
    torch.testing.assert_close(waves[:, 1], torch.cos(places))
    torch.testing.assert_close(waves[:, 2], torch.sin(places / 100))
    torch.testing.assert_close(waves[:, 3], torch.cos(places / 100))


def test_a_stage_scales_and_shifts() -> None:
    norm = StageNorm(4)
    with torch.no_grad():
        norm.project_layer.weight.zero_()
        norm.project_layer.bias.copy_(torch.tensor([2.0] * 4 + [3.0] * 4))
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    plain = (x - 2.5) / 1.25**0.5
    torch.testing.assert_close(norm(x, torch.zeros(4)), 2 * plain + 3, atol=1e-4, rtol=0)
