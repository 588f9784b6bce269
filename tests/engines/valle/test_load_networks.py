"""Tensors become networks, and what is wrong with others is told in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from realtime.engines.valle.load_networks import built, codec, vocoder
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


def test_right_ones_become_networks() -> None:
    assert built(small_valle.checkpoint()).shape == small_valle.SHAPE
    assert vocoder(small_valle.sounding()).shape.layers == 2
    state = Encodec(EncodecShape(filters=2, features=16)).state_dict()
    assert codec(state).quantizer is not None


@pytest.mark.parametrize(
    ("make", "state", "told"),
    [
        (built, TOO_SMALL, "valle/vallex-checkpoint.pt is no checkpoint of VALL-E X"),
        (built, FLAT, "no checkpoint"),
        (built, without(small_valle.checkpoint(), "ar_predict_layer.weight"), "ar_predict_layer"),
        (built, without(small_valle.checkpoint(), "nar_decoder.norm.norm.bias"), "norm.norm.bias"),
        (vocoder, EMPTY, "valle/vocos/pytorch_model.bin is no Vocos.*missing"),
        (vocoder, small_valle.checkpoint(), "codebook_weights"),
        (codec, NO_CODES, "encodec_24khz-d7cc33bc.th is no EnCodec.*512 codes"),
        (codec, {}, "no EnCodec"),
    ],
)
def test_others_are_the_server_s_fault_and_named(
    make: Callable[[Any], Any], state: dict[str, torch.Tensor], told: str
) -> None:
    with pytest.raises(Unavailable, match=told) as refused:
        make(state)
    assert refused.value.code == "bad_weights"
    assert "docs/valle.md" in str(refused.value.hint)
