"""Position vectors."""

from __future__ import annotations

import torch

from realtime.networks.transformer import sinusoids


def test_position_vectors_are_sines_and_cosines_in_turn() -> None:
    vectors = sinusoids(5, 4)
    places = torch.arange(5)
    torch.testing.assert_close(vectors[:, 0], torch.sin(places))
    torch.testing.assert_close(vectors[:, 1], torch.cos(places))
    torch.testing.assert_close(vectors[:, 2], torch.sin(places / 100))
    torch.testing.assert_close(vectors[:, 3], torch.cos(places / 100))
