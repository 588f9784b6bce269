"""Tensors become networks; tensors of anything else are refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from realtime.engines.valle.load_networks import build_codec, build_network, build_vocoder
from realtime.engines.valle.networks.encodec import Encodec, EncodecShape
from realtime.errors import Unavailable
from tests.support import small_valle

TOO_SMALL = {"ar_predict_layer.weight": torch.zeros(1025, 64)}
FLAT = {"ar_predict_layer.weight": torch.zeros(1025)}
EMPTY = {
    "feature_extractor.codebook_weights": torch.zeros(16384, 128),
    "backbone.convnext.0.pwconv1.weight": torch.zeros(64, 32),
}
NO_CODES = {
    "encoder.model.0.conv.conv.bias": torch.zeros(2),
    "quantizer.vq.layers.0._codebook.embed": torch.zeros(512, 16),
}


def without(state: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {key: value for key, value in state.items() if key != name}


def test_right_tensors_become_networks() -> None:
    assert build_network(small_valle.make_checkpoint()).shape == small_valle.SHAPE
    assert build_vocoder(small_valle.make_vocos()).shape.layers == 2
    state = Encodec(EncodecShape(filters=2, features=16)).state_dict()
    assert build_codec(state).quantizer is not None


@pytest.mark.parametrize(
    ("build", "state", "message"),
    [
        (build_network, TOO_SMALL, "valle/vallex-checkpoint.pt is no checkpoint of VALL-E X"),
        (build_network, FLAT, "no checkpoint"),
        (
            build_network,
            without(small_valle.make_checkpoint(), "ar_predict_layer.weight"),
            "ar_predict_layer",
        ),
        (
            build_network,
            without(small_valle.make_checkpoint(), "nar_decoder.norm.norm.bias"),
            "norm.norm.bias",
        ),
        (build_vocoder, EMPTY, "valle/vocos/pytorch_model.bin is no Vocos.*missing"),
        (build_vocoder, small_valle.make_checkpoint(), "codebook_weights"),
        (build_codec, NO_CODES, "encodec_24khz-d7cc33bc.th is no EnCodec.*512 codes"),
        (build_codec, {}, "no EnCodec"),
    ],
)
def test_others_are_the_server_s_fault_and_named(
    build: Callable[[Any], Any], state: dict[str, torch.Tensor], message: str
) -> None:
    with pytest.raises(Unavailable, match=message) as refused:
        build(state)
    assert refused.value.code == "bad_weights"
    assert "docs/valle.md" in str(refused.value.hint)
