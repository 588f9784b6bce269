"""EnCodec's encoder gives the original's codes, and refuses weights that are none."""

from __future__ import annotations

import copy

import pytest
import torch

from realtime.engines.valle.networks.encodec import Encodec
from realtime.errors import BadRequest
from tests.support.valle_cases import arrays


def test_codes_are_the_original_s() -> None:
    network = Encodec.loaded(arrays("encodec_tiny.npz", "w."))
    given = arrays("encodec_tiny.npz")
    found = network.embed(given["in.wav"])
    expected = given["out.embedding"]
    # It reaches some hundreds, where floats are coarse: the reference itself is as far from what
    # the same weights give in 64 bits, so that nothing but its own machine comes nearer.
    near = 1e-6 * float(expected.abs().max())
    torch.testing.assert_close(found, expected, atol=near, rtol=0)
    exact = copy.deepcopy(network).double().embed(given["in.wav"].double())
    assert 1e-4 < (expected - exact).abs().max() < near
    assert (found - exact).abs().max() < near
    codes = given["out.codes"].permute(1, 0, 2)
    assert (network(given["in.wav"]) == codes).float().mean() >= 0.99


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (320, 1), (321, 2), (23_999, 75)])
def test_a_begun_frame_is_a_frame(samples: int, frames: int) -> None:
    network = Encodec.loaded(arrays("encodec_tiny.npz", "w."))
    assert network(torch.zeros(1, 1, samples)).shape == (1, 8, frames)


def test_the_public_file_s_decoder_and_further_levels_are_passed_over() -> None:
    state = arrays("encodec_tiny.npz", "w.")
    table = state["quantizer.vq.layers.0._codebook.embed"]
    more = {f"quantizer.vq.layers.{level}._codebook.embed": table for level in range(8, 32)}
    Encodec.loaded({**state, **more, "decoder.model.0.conv.conv.bias": torch.zeros(3)})


def test_what_is_missing_is_named() -> None:
    state = arrays("encodec_tiny.npz", "w.")
    with pytest.raises(BadRequest, match="lstm"):
        Encodec.loaded({name: value for name, value in state.items() if "lstm" not in name})
    with pytest.raises(BadRequest, match=r"encoder\.model\.0"):
        Encodec.loaded({})
