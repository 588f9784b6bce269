"""Errors of memory are known whatever they are called; bounds are checked before they are set."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from realtime.acceleration import Policy, memory
from realtime.errors import BadRequest
from tests.acceleration.small import mel, quick


def wrapped(inner: Exception) -> Exception:
    try:
        raise RuntimeError("the compiler failed") from inner
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (wrapped(MemoryError()), True),
        (RuntimeError("an illegal memory access"), False),
        (wrapped(ValueError("out of memory")), False),
    ],
)
def test_running_out_is_recognised(error: Exception, out: bool) -> None:
    assert memory.is_out_of_memory(error) is out


@pytest.mark.parametrize("fraction", [-0.1, 0, 1.1, float("nan")])
def test_a_part_lies_between_nothing_and_all(fraction: float) -> None:
    with pytest.raises(BadRequest, match="between 0 and 1"):
        memory.limit(fraction, "cpu")


def test_a_cpu_has_nothing_to_limit_or_to_give_back() -> None:
    assert memory.limit(0.8, "cpu") is False
    memory.clear(torch.device("cpu"))
    assert memory.reserved(torch.device("cpu")) == 0


def test_on_a_gpu_the_settings_reach_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    fake = SimpleNamespace(
        is_available=lambda: True,
        set_per_process_memory_fraction=lambda *args: asked.append(args),
    )
    monkeypatch.setattr(torch, "cuda", fake)
    assert memory.limit(0.8, "cuda:0")
    assert asked == [(0.8, torch.device("cuda:0"))]


def test_clearing_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    cleared: list[torch.device] = []
    monkeypatch.setattr(memory, "clear", cleared.append)
    for wanted in (False, True):
        found = quick("eager", policy=Policy(clear_memory=wanted))
        found(mel())
        found.close()
    assert cleared == [torch.device("cpu")]
