"""HuBERT gives the features of the published code, in both of its kinds."""

from __future__ import annotations

import pytest
import torch

from realtime.networks.hubert import Hubert, HubertShape, shape_of
from tests.support import converter_fixtures
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


CONTENTVEC = ("contentvec_tiny", "contentvec_tiny_transformers")


@pytest.fixture(params=CONTENTVEC)
def contentvec(request: pytest.FixtureRequest) -> Hubert:
    return Hubert.loaded(converter_fixtures.weights(request.param), HEADS)


@pytest.mark.parametrize("end", ["", "_short"])
def test_contentvecs_units_are_those_of_the_published_code(contentvec: Hubert, end: str) -> None:
    sound = converter_fixtures.tensor("contentvec_tiny", f"in.wav{end}")
    with torch.inference_mode():
        ninth = contentvec(sound, 9)
        found = {
            "conv": contentvec.sound_features(sound),
            "layer9": ninth,
            "units_v1": contentvec.project(ninth),
            "units_v2": contentvec(sound, 12),
            "units_tta2x": contentvec.twice_as_often(sound, 12),
        }
    for name, value in found.items():
        expected = converter_fixtures.tensor("contentvec_tiny", f"out.{name}{end}")
        assert value.shape == expected.shape, name
        assert (value - expected).abs().max() < NEAR, name


def test_half_frames_of_any_length_are_one_for_each_160_samples(contentvec: Hubert) -> None:
    for samples in (400, 559, 560, 719, 720, 1_200):
        with torch.inference_mode():
            found = contentvec.twice_as_often(torch.zeros(1, samples))
        assert found.shape[1] == (samples - 240) // 160, samples


def test_a_file_without_the_last_projection_has_no_narrow_features() -> None:
    state = converter_fixtures.weights("contentvec_tiny")
    del state["final_proj.weight"], state["final_proj.bias"]
    network = Hubert.loaded(state, HEADS)
    with pytest.raises(ValueError, match="no final_proj"):
        network.project(torch.zeros(1, 1, 64))
