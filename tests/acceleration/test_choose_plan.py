"""The plan auto takes the quickest that is right, within its time, and remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch

from realtime.acceleration import Policy, choose_plan
from realtime.acceleration.accelerate import Maker
from realtime.acceleration.plan import Plan
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Sizes, Tensors
from tests.support import small_networks
from tests.support.small_networks import (
    AlteredBackend,
    accelerate_vocoder,
    altered,
    failing_maker,
    mel,
)


class Clock:
    """A clock that moves only while a network runs."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Timed(AlteredBackend):
    """A backend that takes the time it is given."""

    def __init__(self, inner: AlteredBackend, clock: Clock, seconds: float) -> None:
        super().__init__(inner._network, inner.alter)
        self._clock = clock
        self._seconds = seconds

    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        self._clock.now += self._seconds
        return super().run(sizes, inputs, lease)


def chosen(
    seconds: Mapping[str, float | Maker], policy: Policy | None = None
) -> tuple[choose_plan.Choice, dict[str, Plan]]:
    """Choose among plans that take so many seconds, or are made by a maker; return them too."""
    clock = Clock()
    spec = small_networks.network_spec(policy)
    plans = {}

    def maker(plan: str) -> Maker:
        found = seconds[plan]
        if callable(found):
            return found
        return lambda spec: Timed(AlteredBackend(spec.network), clock, found)

    def make(name: str) -> Plan:
        make_backend = maker(name)
        plans[name] = Plan(name, lambda: make_backend(spec), spec)
        return plans[name]

    return choose_plan.choose(spec, make, clock), plans


def test_the_quickest_is_chosen() -> None:
    choice, plans = chosen({"eager": 0.3, "onnx": 0.1, "compile": 0.2})
    assert choice.plan == "onnx" and list(choice.made) == ["onnx"]
    assert choice.milliseconds == {"eager": 300, "onnx": 100, "compile": 200}
    assert [plans[plan].is_ready((1, 10)) for plan in ("onnx", "compile")] == [True, False]


def test_a_little_quicker_is_not_worth_it() -> None:
    assert chosen({"eager": 0.100, "onnx": 0.098, "compile": 0.097})[0].plan == "eager"


def test_what_is_wrong_or_cannot_run_is_not_chosen() -> None:
    wrong = altered([], lambda outputs: (outputs[0] * 2,))
    choice, _ = chosen({"eager": 0.3, "onnx": failing_maker(CannotRun("no")), "compile": wrong})
    assert choice.plan == "eager" and set(choice.milliseconds) == {"eager"}


def test_after_its_time_no_further_plan_is_tried() -> None:
    policy = Policy(auto_seconds=1.0)
    choice, plans = chosen({"eager": 0.4, "onnx": 0.1, "compile": 0.01}, policy)
    assert set(plans) == {"eager"} and choice.plan == "eager"


def test_what_was_cut_short_is_not_remembered(tmp_path: Path) -> None:
    """A slow start must not decide for good: the plans that were not tried are tried next time."""
    policy = Policy(auto_seconds=1.0, folder=tmp_path)
    slow = {"eager": 0.01, "onnx": 0.4, "compile": 0.001}
    choice, _ = chosen(slow, policy)
    assert not choice.whole and choice.plan == "eager"
    again, plans = chosen({"eager": 0.01, "onnx": 0.02, "compile": 0.001}, policy)
    assert again.whole and not again.remembered and again.plan == "compile"
    assert set(plans) == {"eager", "onnx", "compile"}
    assert chosen({}, policy)[0].remembered


def test_a_choice_is_remembered_for_this_network_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = Policy(folder=tmp_path)
    assert not chosen({"eager": 0.3, "onnx": 0.1, "compile": 0.2}, policy)[0].remembered
    again, plans = chosen({}, policy)
    assert (again.plan, again.remembered, plans) == ("onnx", True, {})
    assert again.milliseconds == {"eager": 300, "onnx": 100, "compile": 200}
    monkeypatch.setattr(torch, "__version__", "9.9")
    assert not chosen({"eager": 0.3, "onnx": 0.4, "compile": 0.4}, policy)[0].remembered


@pytest.mark.parametrize("data", [b"", b"[]", b'{"plan": "magic", "milliseconds": {}}', b"{}"])
def test_a_remembered_choice_that_makes_no_sense_is_measured_anew(data: bytes) -> None:
    assert choose_plan._remembered(data, ("eager",)) is None


def test_auto_runs_what_it_chose_and_tells_the_times() -> None:
    slow = failing_maker(CannotRun("not here"))
    found = accelerate_vocoder("auto", {"onnx": slow, "compile": altered([])})
    found(mel())
    report = found.described()
    assert report["plan"] == "auto" and report["mode"] in ("eager", "compile")
    assert set(report["auto"]["milliseconds"]) == {"eager", "compile"}
    assert report["calls"] == 1, "measuring is no traffic"
