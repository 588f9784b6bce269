"""Noise becomes the mel of the published code, whatever is computed beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from realtime.engines.contract import WorkCancelled
from realtime.engines.gpt_sovits.networks.flow_matching import MOST_TABLES, FlowMatching
from tests.support.gpt_sovits_files import arguments, tensor
from tests.support.mel_networks import VERSIONS_WITH_MEL, cases_of, mel_network

NEAR = 2e-4
CASES = ["cfm4", "cfm8", "cfm4_guided", "cfm4_cool"]


@pytest.fixture(params=VERSIONS_WITH_MEL)
def cases(request: pytest.FixtureRequest) -> str:
    return cases_of(request.param)


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture
def network() -> FlowMatching:
    return mel_network().cfm


def inputs(cases: str, case: str = "cfm_shared") -> tuple[Tensor, Tensor, Tensor]:
    features, prompt, noise = (tensor(cases, f"{case}.in.{n}") for n in ("mu", "prompt", "noise"))
    return features.transpose(1, 2), prompt, noise


@pytest.mark.parametrize("case", CASES)
def test_the_mel_is_that_of_the_published_code(
    network: FlowMatching, cases: str, case: str
) -> None:
    asked = arguments(cases, f"{case}.args")
    options = {"guidance": asked.get("cfg", 0.0), "temperature": asked.get("temperature", 1.0)}
    found = network(*inputs(cases), asked["steps"], **options)
    expected = tensor(cases, f"{case}.out.mel")
    assert found.shape == expected.shape and (found - expected).abs().max() < NEAR


def test_two_lines_at_once_are_as_in_the_published_code(network: FlowMatching, cases: str) -> None:
    features, prompt, noise = inputs(cases, "cfm4_batch")
    found = network(features, prompt, noise, 4)
    assert (found - tensor(cases, "cfm4_batch.out.mel")).abs().max() < NEAR
    for row in range(2):
        one = slice(row, row + 1)
        alone = network(features[one], prompt[one], noise[one], 4)
        assert (found[one] - alone).abs().max() < NEAR


def test_a_shorter_line_beside_a_longer_one_is_as_alone(network: FlowMatching, cases: str) -> None:
    features, prompt, noise = inputs(cases)
    short = features.shape[2] - 13
    alone = network(features[:, :, :short], prompt, noise[:, :, :short], 4)
    mask = torch.ones(2, features.shape[2])
    mask[1, short:] = 0.0
    pairs = [each.repeat(2, 1, 1) for each in (features, prompt, noise)]
    found = network(*pairs, 4, mask=mask)
    assert (found[1:, :, :short] - alone).abs().max() < NEAR
    assert (found[:1] - network(features, prompt, noise, 4)).abs().max() < NEAR


def test_the_noise_alone_decides_and_the_known_frames_are_void(
    network: FlowMatching, cases: str
) -> None:
    features, prompt, noise = inputs(cases)
    once, again = (network(features, prompt, noise, 4) for _ in range(2))
    assert torch.equal(once, again) and not once[:, :, : prompt.shape[2]].any()
    other = noise.clone()
    other[:, :, : prompt.shape[2]] = 9.0
    assert torch.equal(network(features, prompt, other, 4), once)
    assert not torch.equal(network(features, prompt, noise.flip(1), 4), once)


def test_it_ends_within_a_step(network: FlowMatching, cases: str) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise WorkCancelled

    steps = 0

    def velocity(*each: Any) -> Tensor:
        nonlocal steps
        steps += 1
        moved: Tensor = network.estimator(*each)
        return moved

    with pytest.raises(WorkCancelled):
        network(*inputs(cases), 8, check=check, velocity=velocity)
    assert steps == 2


def test_what_the_steps_share_is_computed_once(
    network: FlowMatching, cases: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"text": 0, "steering": 0}
    estimator = network.estimator
    monkeypatch.setattr(network, "_tables", type(network._tables)())

    def count(what: str, of: Any) -> Any:
        def counted(*each: Any) -> Any:
            made[what] += 1
            return of(*each)

        return counted

    monkeypatch.setattr(
        estimator.text_embed, "forward", count("text", estimator.text_embed.forward)
    )
    monkeypatch.setattr(estimator, "steering", count("steering", estimator.steering))
    for _ in range(3):
        network(*inputs(cases), 4)
    assert made == {"text": 3, "steering": 1}
    for steps in range(1, 2 * MOST_TABLES):
        network.steering(steps)
    assert len(network._tables) == MOST_TABLES


def test_half_precision_keeps_the_sum_of_the_steps(cases: str) -> None:
    import copy

    network = copy.deepcopy(mel_network().cfm).bfloat16()
    features, prompt, noise = inputs(cases)
    found = network(features, prompt, noise, 4)
    assert found.dtype == torch.float32
    expected = tensor(cases, "cfm4.out.mel")
    assert (found - expected).std() < 0.05 * expected.std()
