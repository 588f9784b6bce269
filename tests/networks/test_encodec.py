"""EnCodec's encoder gives the original's codes, and refuses weights that are none."""

from __future__ import annotations

import pytest
import torch

from realtime.errors import BadRequest
from realtime.networks.encodec import Encodec
from tests.networks.valles import arrays


def test_codes_are_the_original_s() -> None:
    network = Encodec.loaded(arrays("encodec_tiny.npz", "w."))
    given = arrays("encodec_tiny.npz")
    found = network.embed(given["in.wav"])
    largest = float(given["out.embedding"].abs().max())  # of some hundreds: its floats are coarse
    torch.testing.assert_close(found, given["out.embedding"], atol=1e-6 * largest, rtol=0)
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
