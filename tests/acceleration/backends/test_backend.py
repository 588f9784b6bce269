"""Tests of what every backend does unless it says otherwise, and of the network as it is."""

from __future__ import annotations

from contextlib import ExitStack

import torch

from realtime.acceleration.backends.backend import Eager
from tests.support.small_networks import mel, network_spec


def test_eager_runs_every_length_without_being_prepared() -> None:
    spec = network_spec()
    backend = Eager(spec.network)
    assert backend.dynamic and backend.holds((1, 10)) and backend.has_place_for((1, 10))
    for frames in (3, 10):
        with ExitStack() as lease:
            outputs = backend.run((1, 10), (mel(frames),), lease)
            assert torch.equal(outputs[0], spec.network.run((mel(frames),))[0])
    backend.drop((1, 10))
    backend.close()
    assert backend.run((1, 10), (mel(),))[0].shape == (1, 1, 20)
    assert backend.described() == {}
