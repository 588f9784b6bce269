"""The network of v3 and v4 gives the numbers of the published code, alone and beside others."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from realtime.engines.gpt_sovits.networks.diffusion_transformer import (
    DiffusionTransformer,
    DitShape,
    head_turns,
    turned,
)
from tests.support.gpt_sovits_files import full_size_keys, tensor
from tests.support.mel_networks import VERSIONS_WITH_MEL, cases_of, mel_network

NEAR = 1e-4


@pytest.fixture(params=VERSIONS_WITH_MEL)
def cases(request: pytest.FixtureRequest) -> str:
    return cases_of(request.param)


@pytest.fixture(autouse=True)
def without_gradients() -> object:
    with torch.inference_mode():
        yield


@pytest.fixture
def network() -> DiffusionTransformer:
    return mel_network().cfm.estimator


def first_inputs(cases: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mel, the known mel and the features at the first of four steps."""
    noise, prompt = (tensor(cases, f"cfm_shared.in.{name}") for name in ("noise", "prompt"))
    length = prompt.shape[2]
    mel = torch.cat([torch.zeros_like(prompt), noise[:, :, length:]], dim=2)
    known = functional.pad(prompt, (0, noise.shape[2] - length))
    return mel.transpose(1, 2), known.transpose(1, 2), tensor(cases, "cfm_shared.in.mu")


def test_embeddings_are_those_of_the_published_code(
    network: DiffusionTransformer, cases: str
) -> None:
    text = network.text_embed(tensor(cases, "cfm_shared.in.mu"))
    assert (text - tensor(cases, "cfm4.out.text_embed")).abs().max() < NEAR
    step = network.d_embed(torch.tensor([0.25]))
    assert (step - tensor(cases, "cfm4.out.d_embed")).abs().max() < NEAR


def test_the_first_movement_is_that_of_the_published_code(
    network: DiffusionTransformer, cases: str
) -> None:
    mel, known, features = first_inputs(cases)
    steering = network.steering(torch.tensor([0.0, 0.25]), torch.tensor(0.25))
    found = network(mel, known, network.text_embed(features), steering[0])
    assert (found - tensor(cases, "cfm4.out.v_first")).abs().max() < NEAR
    other = network(mel, known, network.text_embed(features), steering[1])
    assert (other - found).abs().max() > 100 * NEAR


def test_lines_of_any_length_share_a_run_and_do_not_change(
    network: DiffusionTransformer, cases: str
) -> None:
    """The loudness over time, the wide convolutions and the attention would all see the filling."""
    mel, known, features = first_inputs(cases)
    steering = network.steering(torch.tensor([0.5]), torch.tensor(0.25))[0]
    short = mel.shape[1] - 17
    alone = network(
        mel[:, :short], known[:, :short], network.text_embed(features[:, :short]), steering
    )
    mask = torch.ones(2, mel.shape[1], 1)
    mask[1, short:] = 0.0
    both = [each.repeat(2, 1, 1) for each in (mel, known, features)]
    together = network(both[0], both[1], network.text_embed(both[2], mask), steering, mask)
    assert (together[1:, :short] - alone).abs().max() < NEAR
    whole = network(mel, known, network.text_embed(features), steering)
    assert (together[:1] - whole).abs().max() < NEAR
    filled = network(both[0], both[1], network.text_embed(both[2]), steering)
    assert (filled[1:, :short] - alone).abs().max() > 100 * NEAR


def test_neighbouring_channels_turn_with_their_place() -> None:
    x = torch.randn(1, 5, 64, generator=torch.Generator().manual_seed(0))
    found = turned(x, head_turns(5, x.device))
    assert torch.equal(found[:, 0], x[:, 0])  # at place 0 nothing turns
    # The first pair turns by one radian a place.
    turn = torch.polar(torch.tensor(1.0), torch.tensor(2.0))
    pair = torch.view_as_complex(x[0, 2, :2].clone())
    assert torch.allclose(torch.view_as_real(pair * turn), found[0, 2, :2], atol=1e-5)


def test_the_published_sizes_are_the_defaults() -> None:
    with torch.device("meta"):
        network = DiffusionTransformer()
    assert DitShape.of(network.state_dict()) == DitShape()
    shapes = full_size_keys("v4")
    for name, value in network.state_dict().items():
        parts = ["N" if part.isdigit() else part for part in name.split(".")]
        assert tuple(value.shape) in shapes["cfm.estimator." + ".".join(parts)], name
