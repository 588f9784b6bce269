"""A module may say how it is tried; what says nothing is tried with what is given."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from realtime.acceleration import trial_inputs
from realtime.acceleration.shapes import Tensors
from tests.support.small_networks import (
    AlteredBackend,
    Step,
    accelerate_step,
    altered,
    fallback_reasons,
    step_inputs,
    vocoder,
)


class Tried(Step):
    """A step that names the inputs in which mistakes show."""

    rehearsed = 0

    def cases(self, sizes: tuple[int, ...]) -> list[Tensors]:
        return [step_inputs(place, seed=place) for place in (0, 3, 9)]

    def rehearse(self, x: Tensor, place: Tensor) -> None:
        type(self).rehearsed += 1
        self.cache.copy_(torch.arange(self.cache.numel()).view_as(self.cache) % 7)

    def judged(self, inputs: Tensors, outputs: Tensors) -> Tensors:
        total, largest = outputs
        return total, largest == total.argmax(-1)


def test_who_says_nothing_is_tried_with_what_is_given() -> None:
    module, given = vocoder(), (torch.zeros(1),)
    assert trial_inputs.cases(module, (1,), given) == [given]
    trial_inputs.rehearse(module, given)
    assert trial_inputs.judged(module, given, given) is given


def test_a_mistake_shows_only_where_the_state_is_filled() -> None:
    backends: list[AlteredBackend] = []

    def forget(outputs: Tensors) -> Tensors:
        """Give the sum as it would be if the rows from the fourth on were not there."""
        cache, place = found.module.get_buffer("cache"), last
        return (outputs[0] - cache[:, 4 : place + 1].sum(1), outputs[1])

    last = 9
    for step, wrong in ((Step, False), (Tried, True)):
        found = accelerate_step("compile", {"compile": altered(backends, forget)}, module=step())
        found(*step_inputs())
        assert (
            bool([reason for reason in fallback_reasons(found) if "wrong output" in reason])
            == wrong
        )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_state_is_afterwards_what_it_was(precision: str) -> None:
    found = accelerate_step(
        "compile", {"compile": altered([])}, module=Tried(), precision=precision
    )
    found.module.get_buffer("cache").fill_(3.0)
    Tried.rehearsed = 0
    assert found.prepare() == [()]
    assert Tried.rehearsed in (3, 6)  # of the plan, and of eager where that is not the truth
    assert (found.module.get_buffer("cache") == 3.0).all()
