"""Networks run by torch, and accelerated, give the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from realtime import acceleration
from realtime.acceleration import Accelerated, Policy
from realtime.engines.decoding import runner
from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.decoding.runner import EagerNetwork, make_runner, run_network


class Both(torch.nn.Linear):
    """A network with two outputs, as the steps have."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        return super().forward(x), x + 1


@pytest.mark.parametrize(("plan", "kind"), [("eager", EagerNetwork), ("graphs", Accelerated)])
def test_a_network_runs_by_its_plan(monkeypatch: pytest.MonkeyPatch, plan: str, kind: type) -> None:
    def accelerate_eagerly(module: torch.nn.Module, **given: Any) -> Accelerated:
        assert given["plan"] == plan and given["device"] == "cpu"
        return acceleration.accelerate(module, **{**given, "plan": "eager"})

    monkeypatch.setattr(runner, "accelerate", accelerate_eagerly)
    module, x = Both(3, 2), torch.ones(1, 3)
    run = RunConfig("cpu", "fp32", plan, 1, (1,))
    made = make_runner(module, "small", (x,), (), (), run, Policy())
    assert isinstance(made, kind)
    with run_network(made, x) as (first, second):
        torch.testing.assert_close((first, second), module(x))
