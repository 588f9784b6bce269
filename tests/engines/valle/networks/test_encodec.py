"""EnCodec's encoder gives the original's codes, and refuses weights that are none."""

from __future__ import annotations

import copy

import pytest
import torch

from realtime.engines.valle.networks.encodec import Encodec
from realtime.errors import BadRequest
from tests.support.valle_cases import load_arrays


def test_codes_are_the_original_s() -> None:
    network = Encodec.loaded(load_arrays("encodec_tiny.npz", "w."))
    reference = load_arrays("encodec_tiny.npz")
    features = network.embed(reference["in.wav"])
    expected = reference["out.embedding"]
    # The numbers reach some hundreds, where neighbouring floats lie far apart: the reference is as
    # far from what the same weights give in 64 bits, so only its own machine could come nearer.
    near = 1e-6 * float(expected.abs().max())
    torch.testing.assert_close(features, expected, atol=near, rtol=0)
    exact = copy.deepcopy(network).double().embed(reference["in.wav"].double())
    assert 1e-4 < (expected - exact).abs().max() < near
    assert (features - exact).abs().max() < near
    codes = reference["out.codes"].permute(1, 0, 2)
    assert (network(reference["in.wav"]) == codes).float().mean() >= 0.99


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (320, 1), (321, 2), (23_999, 75)])
def test_a_begun_frame_is_a_frame(samples: int, frames: int) -> None:
    network = Encodec.loaded(load_arrays("encodec_tiny.npz", "w."))
    assert network(torch.zeros(1, 1, samples)).shape == (1, 8, frames)


def test_the_public_file_s_decoder_and_further_levels_are_ignored() -> None:
    state = load_arrays("encodec_tiny.npz", "w.")
    table = state["quantizer.vq.layers.0._codebook.embed"]
    more = {f"quantizer.vq.layers.{level}._codebook.embed": table for level in range(8, 32)}
    Encodec.loaded({**state, **more, "decoder.model.0.conv.conv.bias": torch.zeros(3)})


def test_what_is_missing_is_named() -> None:
    state = load_arrays("encodec_tiny.npz", "w.")
    with pytest.raises(BadRequest, match="lstm"):
        Encodec.loaded({name: value for name, value in state.items() if "lstm" not in name})
    with pytest.raises(BadRequest, match=r"encoder\.model\.0"):
        Encodec.loaded({})
