"""Settings and torch mean the same device and the same floats."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration.policy import PRECISIONS
from realtime.acceleration.torch_modes import kind_of, numbered


def test_a_gpu_without_a_number_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    assert numbered("cuda") == torch.device("cuda:3")
    assert numbered(torch.device("cuda:1")) == torch.device("cuda:1")
    assert numbered("cpu") == torch.device("cpu")


def test_every_precision_has_its_floats() -> None:
    assert [kind_of(name).itemsize for name in PRECISIONS] == [4, 2, 2]
    assert kind_of("bf16") != kind_of("fp16")
