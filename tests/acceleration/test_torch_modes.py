"""Settings and torch mean the same device and the same floats."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration.policy import PRECISIONS
from realtime.acceleration.torch_modes import (
    dtype_of,
    normal_tensors,
    with_index,
    without_gradients,
)


def test_a_gpu_without_a_number_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    assert with_index("cuda") == torch.device("cuda:3")
    assert with_index(torch.device("cuda:1")) == torch.device("cuda:1")
    assert with_index("cpu") == torch.device("cpu")


def test_every_precision_has_its_floats() -> None:
    assert [dtype_of(name).itemsize for name in PRECISIONS] == [4, 2, 2]
    assert dtype_of("bf16") != dtype_of("fp16")


@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("gradients", [False, True])
def test_a_block_has_one_mode_and_the_caller_another(inference: bool, gradients: bool) -> None:
    with torch.inference_mode(inference), torch.set_grad_enabled(gradients):
        with without_gradients():
            assert not torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
            assert not torch.zeros(1).is_inference()
        assert torch.is_inference_mode_enabled() == inference
        assert torch.is_grad_enabled() == gradients


def test_tensors_of_inference_mode_are_copied_and_others_are_not() -> None:
    plain = torch.ones(2)
    with torch.inference_mode():
        inferred = torch.ones(2)
    assert normal_tensors((plain,)) == (plain,)
    with without_gradients():
        first, second = normal_tensors((plain, inferred))
    assert first is plain and not second.is_inference() and torch.equal(second, plain)
