"""Networks and settings that cannot be accelerated are refused at once, with words."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from realtime.acceleration import Policy, accelerate
from realtime.errors import BadRequest, Unavailable, YamabikoError
from tests.support.small_networks import (
    BATCHES,
    AlteredBackend,
    Step,
    accelerate_vocoder,
    altered,
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


@pytest.mark.parametrize("plan", ["compile", "auto"])
def test_switched_off_nothing_is_made_before_it_is_switched_on(
    plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.acceleration.policy.candidates", lambda kind: ("compile",))
    made: list[AlteredBackend] = []
    found = accelerate_vocoder(plan, {"compile": altered(made)}, policy=Policy(enabled=False))
    assert len(found.prepare()) == 6 and not made
    assert {bucket["plan"] for bucket in found.described()["buckets"]} == {"eager"}
    found(mel())
    found.switch(True)
    assert found.mode == "compile"
    found(mel())
    assert len(made) == 1 and made[0].prepared
    assert found.described()["hits"]["compile"] == 1
    assert ("auto" in found.described()) == (plan == "auto")


def test_the_example_is_the_only_shape_without_axes() -> None:
    found = accelerate(vocoder(), inputs=(mel(),), plan="eager", name="small")
    assert found(mel(12)).shape == (1, 1, 24)
    report = found.described()
    assert report["name"] == "small"
    assert [item["reason"] for item in report["fallbacks"]] == [
        "input 0 has the shape (1, 4, 12), not (1, 4, 10)"
    ]
