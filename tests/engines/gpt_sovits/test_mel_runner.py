"""Accelerated steps give the same mel, also where a chunk is filled up to a length."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from realtime.acceleration import Policy
from realtime.acceleration.shapes import Fit
from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.gpt_sovits.mel_runner import LENGTHS, run_steps
from realtime.engines.gpt_sovits.networks.flow_matching import FlowMatching
from tests.support.gpt_sovits_files import tensor
from tests.support.mel_networks import mel_network

CASES = "cfm_v4_tiny"
LONGEST = 52  # frames of its cases


@pytest.fixture
def flow() -> FlowMatching:
    return copy.deepcopy(mel_network().cfm)


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def run_config(plan: str, precision: str = "fp32") -> RunConfig:
    return RunConfig("cpu", precision, plan, 1, (1,))


def mel_of(flow: FlowMatching, velocity: Any = None, cut: int = 0) -> torch.Tensor:
    features, prompt, noise = (
        tensor(CASES, f"cfm_shared.in.{name}") for name in ("mu", "prompt", "noise")
    )
    end = features.shape[1] - cut
    found: torch.Tensor = flow(
        features[:, :end].transpose(1, 2),
        prompt,
        noise[:, :, :end],
        4,
        velocity=velocity,
    )
    return found


def test_torch_alone_runs_in_the_precision_of_the_run(flow: FlowMatching) -> None:
    expected = mel_of(flow)
    assert run_steps(flow, 1_000, run_config("eager"), Policy()) is None
    assert torch.equal(mel_of(flow), expected)
    assert run_steps(flow, 1_000, run_config("eager", "bf16"), Policy()) is None
    assert flow.estimator.proj_out.weight.dtype == torch.bfloat16
    assert 0 < (mel_of(flow) - expected).std() < 0.05 * expected.std()


@pytest.mark.slow
@pytest.mark.parametrize("cut", [0, 9])
def test_what_fills_a_chunk_up_changes_no_frame(flow: FlowMatching, cut: int) -> None:
    step = run_steps(flow, LONGEST, run_config("compile"), Policy())
    assert step is not None
    step.close()

    def filled(*inputs: torch.Tensor) -> torch.Tensor:
        """Run a step as plans do that have one length alone."""
        fit = step.shapes.fit(inputs)
        assert isinstance(fit, Fit) and fit.bucket == (LONGEST,)
        outputs = (flow.estimator(*step.shapes.pad(inputs, fit)),)
        return step.shapes.cut(outputs, fit)[0]

    expected = mel_of(flow, cut=cut)
    assert (mel_of(flow, filled, cut) - expected).abs().max() < 2e-4


@pytest.mark.slow  # the compiler takes a minute
@pytest.mark.parametrize("cut", [0, 9])
def test_a_compiled_step_gives_the_same_mel(flow: FlowMatching, cut: int) -> None:
    expected = mel_of(flow, cut=cut)
    step = run_steps(flow, LONGEST, run_config("compile"), Policy())
    assert step is not None and step.shapes.buckets() == [(LONGEST,)]
    try:
        assert step.prepare() == [(LONGEST,)]
        found = mel_of(flow, step, cut)
        assert step.mode == "compile" and not step.failed
    finally:
        step.close()
    assert (found - expected).abs().max() < 2e-4


def test_a_few_lengths_are_prepared(flow: FlowMatching) -> None:
    step = run_steps(flow, 1_000, run_config("compile"), Policy())
    assert step is not None
    assert step.shapes.buckets() == [(each,) for each in (*LENGTHS, 1_000)]
    step.close()
