"""Tensors get the names of the network, whichever program wrote the file."""

from __future__ import annotations

import pytest
import torch

from realtime.networks.hubert_names import hubert_state
from tests.support.converter_fixtures import weights


def test_both_programs_files_become_the_same_tensors() -> None:
    fairseq = hubert_state(weights("contentvec_tiny"))
    transformers = hubert_state(weights("contentvec_tiny_transformers"))
    stem = "encoder.pos_conv_embed.conv"
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        transformers[f"{stem}.{old}"] = transformers.pop(f"{stem}.parametrizations.weight.{new}")
    assert fairseq.keys() == transformers.keys()
    for name, value in fairseq.items():
        assert torch.equal(value, transformers[name]), name


def test_names_of_the_network_stay() -> None:
    plain = hubert_state(weights("contentvec_tiny_transformers"))
    assert hubert_state(plain).keys() == plain.keys()


def test_a_network_inside_a_larger_one_is_found() -> None:
    state = weights("contentvec_tiny_transformers")
    inside = {f"hubert.{name}": value for name, value in state.items()}
    inside["lm_head.weight"] = torch.zeros(1)
    assert hubert_state(inside).keys() == hubert_state(state).keys()


def test_what_training_alone_reads_is_left_out() -> None:
    names = hubert_state(weights("contentvec_tiny")).keys()
    assert not names & {"mask_emb", "label_embs_concat", "masked_spec_embed"}
    assert "final_proj.weight" in names


def test_one_tensor_under_two_names_is_an_error() -> None:
    with pytest.raises(ValueError, match="two tensors are feature_projection.layer_norm.bias"):
        hubert_state(
            {
                "layer_norm.bias": torch.zeros(1),
                "feature_projection.layer_norm.bias": torch.zeros(1),
            }
        )
