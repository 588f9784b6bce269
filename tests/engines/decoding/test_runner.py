"""Networks run by torch, and accelerated, give the same."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration import Accelerated, Policy
from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.decoding.runner import EagerNetwork, make_runner, run_network


@pytest.mark.parametrize(("plan", "kind"), [("eager", EagerNetwork), ("graphs", Accelerated)])
def test_a_network_runs_by_its_plan(plan: str, kind: type) -> None:
    module, x = torch.nn.Linear(3, 2), torch.ones(1, 3)
    run = RunConfig("cpu", "fp32", plan, 1, (1,))
    runner = make_runner(module, "small", (x,), (), (), run, Policy())
    assert isinstance(runner, kind)
    with run_network(runner, x) as found:
        torch.testing.assert_close(found, module(x))
    if isinstance(runner, Accelerated):
        runner.close()
