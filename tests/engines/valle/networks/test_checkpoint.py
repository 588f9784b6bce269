"""The weights have the public names, and with them the whole model gives the original's codes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from realtime.engines.valle.networks.checkpoint import ValleNetwork, ValleShape, shape_of
from tests.support.valle_cases import (
    greedy,
    load_arrays,
    load_cases,
    make_all_levels,
    make_first_level,
    read_case,
)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.slow] if number > 1 else [])
        for number, case in enumerate(load_cases())
    ],
)
def test_all_codes_are_the_original_s(case: dict[str, Any]) -> None:
    reference = read_case(case)
    most = 16 * len(reference.text)
    first = make_first_level(greedy(reference.model), reference, most)
    assert torch.equal(make_all_levels(reference.model, reference, first), reference.codes)


def test_the_public_checkpoint_has_374_names() -> None:
    with torch.device("meta"):
        model = ValleNetwork()
    state = model.state_dict()
    assert len(state) == 374
    assert sum(weight.numel() for weight in model.parameters()) == 370_539_524
    assert state["ar_decoder.layers.11.self_attn.in_proj_weight"].shape == (3072, 1024)
    assert state["nar_decoder.norm.project_layer.weight"].shape == (2048, 1024)
    assert shape_of(state) == ValleShape(1024, 16, 12)


@pytest.mark.parametrize("change", ["missing", "over"])
def test_a_name_too_few_or_too_many_is_refused(change: str) -> None:
    state = load_arrays("valle_tiny.npz")
    if change == "missing":
        del state["nar_decoder.norm.norm.bias"]
    else:
        state["nar_decoder.norm.norm.offset"] = torch.zeros(64)
    with pytest.raises(RuntimeError, match=r"nar_decoder\.norm\.norm"):
        ValleNetwork.loaded(state, heads=4)


def test_a_stage_shares_its_weight_with_the_next_stage_s_table() -> None:
    model = ValleNetwork.loaded(load_arrays("valle_tiny.npz"), heads=4)
    for stage in range(6):
        table = model.nar_audio_embeddings[stage + 2].get_parameter("word_embeddings.weight")
        assert model.nar_predict_layers[stage].weight is table
