"""The benchmark of plans says what answered its calls, and why something else did not."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from benchmarks import plans


@pytest.mark.slow
@pytest.mark.parametrize("network", plans.NETWORKS)
def test_a_row_tells_what_ran_and_how_right_it_was(network: str, tmp_path: Path) -> None:
    options = argparse.Namespace(precision="bf16", device="cpu", runs=2, auto_seconds=1.0)
    found = plans.measure(network, "eager", options, tmp_path)
    assert (found["network"], found["runs as"], found["why not"]) == (network, "eager", "")
    assert found["call ms"] > 0 and found["check"].endswith("dB")


def test_a_plan_that_cannot_run_here_says_why(tmp_path: Path) -> None:
    options = argparse.Namespace(precision="fp32", device="cpu", runs=1, auto_seconds=1.0)
    found = plans.measure("step", "eager_graphs", options, tmp_path)
    assert (found["runs as"], found["check"]) == ("eager", "the truth itself")
    assert "graphs need a CUDA device" in found["why not"]
