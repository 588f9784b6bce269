"""HuBERT gives the features of the published code, in both of its kinds."""

from __future__ import annotations

import pytest
import torch

from realtime.networks.hubert import Hubert, HubertShape, shape_of
from tests.support.gpt_sovits_files import arguments, tensor, weights

FIXTURE = "hubert_tiny"
HEADS = 4  # not 64 wide as the published ones
NEAR = 1e-4


@pytest.fixture(params=["group", "layer"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def network(kind: str) -> Hubert:
    return Hubert.loaded(weights(FIXTURE, f"w.{kind}."), HEADS)


def test_the_features_are_those_of_the_published_code(network: Hubert, kind: str) -> None:
    sound = tensor(FIXTURE, f"{kind}.in.wav")[None]
    with torch.inference_mode():
        found = {
            "conv": network.sound_features(sound),
            "layer0": network(sound, 0),
            "layer2": network(sound, 2),
            "last": network(sound),
        }
    for name, value in found.items():
        expected = tensor(FIXTURE, f"{kind}.out.{name}")
        assert value.shape == expected.shape
        assert (value - expected).abs().max() < NEAR, name


def test_silence_after_the_clip_changes_all_features(network: Hubert, kind: str) -> None:
    zeros = arguments(FIXTURE, f"{kind}_zeros.args")["zeros"]
    sound = torch.nn.functional.pad(tensor(FIXTURE, f"{kind}.in.wav"), (0, zeros))[None]
    with torch.inference_mode():
        found = network(sound)
    assert (found - tensor(FIXTURE, f"{kind}_zeros.out.last")).abs().max() < NEAR
    assert found.shape[1] == (sound.shape[1] - 400) // 320 + 1


def test_files_of_newer_programs_name_the_weight_norm_otherwise(kind: str) -> None:
    state = weights(FIXTURE, f"w.{kind}.")
    stem = "encoder.pos_conv_embed.conv"
    state[f"{stem}.parametrizations.weight.original0"] = state.pop(f"{stem}.weight_g")
    state[f"{stem}.parametrizations.weight.original1"] = state.pop(f"{stem}.weight_v")
    sound = tensor(FIXTURE, f"{kind}.in.wav")[None]
    with torch.inference_mode():
        found = Hubert.loaded(state, HEADS)(sound)
    assert (found - tensor(FIXTURE, f"{kind}.out.last")).abs().max() < NEAR


def test_nothing_may_be_missing_or_left_over(kind: str) -> None:
    state = weights(FIXTURE, f"w.{kind}.")
    with pytest.raises(RuntimeError, match="Unexpected"):
        Hubert.loaded({**state, "encoder.more": torch.zeros(1)}, HEADS)
    del state["encoder.layers.1.final_layer_norm.bias"]
    with pytest.raises(RuntimeError, match="Missing"):
        Hubert.loaded(state, HEADS)


def test_the_published_sizes_are_the_defaults() -> None:
    with torch.device("meta"):
        network = Hubert()
    assert shape_of(network.state_dict()) == HubertShape()
    # Without the stand-in of training and the lengths of the weight norm.
    assert sum(each.numel() for each in network.parameters()) == 94_371_712 - 768 - 128
