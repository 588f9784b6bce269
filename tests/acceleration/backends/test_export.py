"""Exported networks keep the lengths open that may change."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration import Policy
from realtime.acceleration.backends.export import check, export_network, open_axes
from realtime.acceleration.network import Network
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Axis, Shapes
from realtime.acceleration.spec import NetworkSpec
from tests.support.small_networks import mel, network_spec, vocoder


def test_the_program_takes_other_lengths() -> None:
    spec = network_spec()
    program = export_network(spec).module()
    for frames, batch in ((10, 2), (17, 3)):
        x = mel(frames, batch)
        assert torch.allclose(program(x)[0], spec.network.run((x,))[0], atol=1e-6)


def test_an_axis_of_one_size_one_stays_closed() -> None:
    network = Network(vocoder(), "fp32", "cpu")
    shapes = Shapes((mel(),), (Axis((1,), {0: 0}), Axis((10, 20), {0: 2})))
    found = open_axes(NetworkSpec(network, shapes, (mel(),), Policy(), "vocoder"))
    assert [set(axes) for axes in found] == [{2}]


def test_autocast_is_refused() -> None:
    check(network_spec(Policy(autocast=True)), "this")
    with pytest.raises(CannotRun, match="this has no autocast"):
        check(network_spec(Policy(autocast=True), "bf16"), "this")
