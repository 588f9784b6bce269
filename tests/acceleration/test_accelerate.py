"""Networks and settings that cannot be accelerated are refused at once, with words."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from realtime.acceleration import Policy, accelerate
from realtime.errors import BadRequest, Unavailable, YamabikoError
from tests.support.small_networks import (
    BATCHES,
    Step,
    accelerate_vocoder,
    mel,
    step_inputs,
    vocoder,
)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"plan": "fast"}, BadRequest, "no plan 'fast'"),
        ({"precision": "int8"}, BadRequest, "no precision 'int8'"),
        ({"inputs": ()}, BadRequest, "must be tensors"),
        ({"inputs": ([1.0],)}, BadRequest, "must be tensors"),
        ({"state": ("cache",)}, BadRequest, "no buffer 'cache'"),
    ],
)
def test_bad_orders_are_refused(
    changed: dict[str, Any], error: type[YamabikoError], words: str
) -> None:
    with pytest.raises(error, match=words):
        accelerate(vocoder(), **{"inputs": (mel(),), "plan": "eager", **changed})


def test_a_padded_axis_would_reach_the_state() -> None:
    with pytest.raises(BadRequest, match="no padded axis"):
        accelerate(Step(), inputs=step_inputs(), state=("cache",), axes=(BATCHES,))


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Unavailable, match="no device 'cuda'"):
        accelerate(vocoder(), inputs=(mel(),), device="cuda")


def test_switched_off_by_its_settings_everything_is_eager() -> None:
    found = accelerate_vocoder("compile", policy=Policy(enabled=False))
    found(mel())
    assert found.mode == "eager" and found.described()["hits"] == {"eager": 1}


def test_the_example_is_the_only_shape_without_axes() -> None:
    found = accelerate(vocoder(), inputs=(mel(),), plan="eager", name="small")
    assert found(mel(12)).shape == (1, 1, 24)
    report = found.described()
    assert report["name"] == "small"
    assert [item["reason"] for item in report["fallbacks"]] == [
        "input 0 has the shape (1, 4, 12), not (1, 4, 10)"
    ]
