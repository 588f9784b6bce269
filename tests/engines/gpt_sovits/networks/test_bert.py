"""BERT gives the features of the published code, and only the layers that are used are there."""

from __future__ import annotations

import pytest
import torch

from realtime.engines.gpt_sovits.networks.bert import Bert, BertShape, phone_features, shape_of
from tests.support.gpt_sovits_files import tensor, weights

FIXTURE = "bert_tiny"
HEADS = 4  # not 64 wide as the published ones
NEAR = 1e-4


@pytest.mark.slow
def test_the_features_are_those_of_the_published_code() -> None:
    network = Bert.loaded(weights(FIXTURE), HEADS)
    ids = tensor(FIXTURE, "feature.in.ids")[None]
    with torch.inference_mode():
        embedded, hidden = network.embeddings(ids), network(ids)
    assert (embedded - tensor(FIXTURE, "feature.out.embedded")).abs().max() < NEAR
    assert (hidden - tensor(FIXTURE, "feature.out.hidden")).abs().max() < NEAR
    found = phone_features(hidden[0], tensor(FIXTURE, "feature.in.word2ph"))
    expected = tensor(FIXTURE, "feature.out.feature")
    assert found.shape == expected.shape and (found - expected).abs().max() < NEAR


def test_the_last_two_layers_are_left_out() -> None:
    network = Bert.loaded(weights(FIXTURE), HEADS)
    assert network.shape.layers == 3
    state = weights(FIXTURE)
    for name in list(state):
        if ".layer.3." in name or ".layer.4." in name:
            state[name] = torch.full_like(state[name], torch.nan)
    ids = tensor(FIXTURE, "feature.in.ids")[None]
    assert Bert.loaded(state, HEADS)(ids).equal(network(ids))


def test_old_files_name_the_norms_otherwise() -> None:
    renamed = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value
        for name, value in weights(FIXTURE).items()
    }
    renamed["bert.embeddings.position_ids"] = torch.arange(64)[None]
    renamed["bert.pooler.dense.bias"] = torch.zeros(64)
    ids = tensor(FIXTURE, "feature.in.ids")[None]
    found = Bert.loaded(renamed, HEADS)(ids)
    assert (found - tensor(FIXTURE, "feature.out.hidden")).abs().max() < NEAR


def test_nothing_may_be_missing_or_left_over() -> None:
    state = weights(FIXTURE)
    with pytest.raises(RuntimeError, match="Unexpected"):
        Bert.loaded({**state, "bert.more": torch.zeros(1)}, HEADS)
    del state["bert.encoder.layer.1.output.dense.bias"]
    with pytest.raises(RuntimeError, match="Missing"):
        Bert.loaded(state, HEADS)


def test_phones_of_another_text_are_an_error() -> None:
    with pytest.raises(ValueError, match="3 characters, and phones of 2"):
        phone_features(torch.zeros(5, 4), torch.tensor([1, 2]))


def test_the_published_sizes_are_the_defaults() -> None:
    with torch.device("meta"):
        network = Bert()
    assert shape_of(network.state_dict()) == BertShape()
