"""Whatever mode a caller is in, networks run in one, and the caller's mode is back afterwards."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration.ordinary import ordinary, taken


@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("gradients", [False, True])
def test_a_block_has_one_mode_and_the_caller_another(inference: bool, gradients: bool) -> None:
    with torch.inference_mode(inference), torch.set_grad_enabled(gradients):
        with ordinary():
            assert not torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
            assert not torch.zeros(1).is_inference()
        assert torch.is_inference_mode_enabled() == inference
        assert torch.is_grad_enabled() == gradients


def test_tensors_of_inference_mode_are_copied_and_others_are_not() -> None:
    plain = torch.ones(2)
    with torch.inference_mode():
        inferred = torch.ones(2)
    assert taken((plain,)) == (plain,)
    with ordinary():
        first, second = taken((plain, inferred))
    assert first is plain and not second.is_inference() and torch.equal(second, plain)
