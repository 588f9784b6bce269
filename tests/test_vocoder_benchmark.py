"""The benchmark of vocoders says what ran and why, and leaves out what there is no time for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from benchmarks import vocoder as benchmark
from benchmarks.gauge import Deadline, Memory
from benchmarks.vocoder import Case
from tests.support.small_vocoders import small


def options(**others: Any) -> argparse.Namespace:
    asked = benchmark.read_options(["--device", "cpu", "--runs", "1", "--streams", "5"])
    return argparse.Namespace(**{**vars(asked), **others})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plan", "precision", "ran", "why"),
    [
        ("onnx", "fp32", "onnx", ""),
        ("onnx", "bf16", "eager", "ONNX Runtime has no quick kernels of 16 bits for CPUs"),
    ],
)
def test_a_row_says_what_ran_and_why(plan: str, precision: str, ran: str, why: str) -> None:
    case = Case("hifigan", small("hifigan"), plan, precision, 40, 1)
    row = benchmark.measure_case(case, options())
    assert (row["plan"], row["ran"], row["why not"]) == (plan, ran, why)
    assert row["right"] == "yes" and row["ms"] > 0 and row["published ms"] > 0
    stream = benchmark.measure_first_sound(case, options())
    assert (stream["ran"], stream["why not"]) == (ran, why)
    assert stream["samples out"] == 16 * case.network.hop
    assert 0 < stream["median ms"] <= stream["p95 ms"]


def test_mels_differ_from_each_other_and_stay_the_same() -> None:
    case = Case("hifigan", small("hifigan"), "eager", "fp32", 40, 3)
    found = case.mels("cpu")
    assert found.shape == (3, 6, 40)
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found, case.mels("cpu"))


def test_what_is_too_late_is_left_out_and_told() -> None:
    times: Iterator[float] = iter([0.0, 30.0, 61.0])
    deadline = Deadline(1.0, lambda: next(times))
    asked = options(plans=["eager"], precisions=["fp32"], batch=[1], frames=[10, 20])
    found = list(benchmark.cases_in_time("hifigan", small("hifigan"), asked, deadline))
    assert [case.frames for case in found] == [10]
    assert deadline.skipped == ["hifigan eager fp32, 1 × 20 frames"]


def test_a_processor_s_clock_is_refused_for_a_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmark.read_options(["--device", "cuda", "--clock", "processor"])
    assert "does not see what a GPU does" in capsys.readouterr().err


def test_memory_on_a_processor_is_what_it_grew_by() -> None:
    memory = Memory("cpu")
    with memory.watched():
        kept = torch.ones(32 << 20)
    assert kept.nbytes == 128 << 20 and memory.megabytes > 100
