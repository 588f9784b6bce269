"""What every form does unless it says otherwise, and the network as it is."""

from __future__ import annotations

import torch

from realtime.acceleration.backends.backend import Eager
from tests.support.small_networks import mel, network_spec


def test_eager_runs_every_length_without_being_prepared() -> None:
    made = network_spec()
    form = Eager(made.network)
    assert form.dynamic and form.holds((1, 10)) and form.has_place_for(0)
    for frames in (3, 10):
        with form.lease((1, 10), (mel(frames),)) as outputs:
            assert torch.equal(outputs[0], made.network.run((mel(frames),))[0])
    form.drop((1, 10))
    form.close()
    assert form.run((1, 10), (mel(),))[0].shape == (1, 1, 20)
    assert form.described() == {}
