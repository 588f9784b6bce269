"""Faults make another plan answer, with the reason, and no wrong output is ever given."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import pytest
import torch

from realtime.acceleration import Policy, device_memory
from realtime.acceleration.network import Network
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Tensors
from realtime.errors import OutOfMemory
from tests.support.small_networks import (
    AlteredBackend,
    CpuRecorder,
    Step,
    accelerate_step,
    accelerate_vocoder,
    altered,
    failing_maker,
    fallback_reasons,
    graphs_with,
    mel,
    step_inputs,
    vocoder,
)

NO_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def right(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = vocoder()(x)
    return found


def test_memory_that_ends_during_a_capture() -> None:
    found = accelerate_vocoder(
        "graphs", {"graphs": graphs_with(CpuRecorder(fault=NO_MEMORY)), "compile": altered([])}
    )
    assert torch.allclose(found(mel()), right(mel()), atol=1e-5)
    assert found.described()["hits"] == {"compile": 1}
    assert fallback_reasons(found)[0] == f"out of memory: {NO_MEMORY}"


def test_memory_that_ends_during_a_run() -> None:
    recorder = CpuRecorder()
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(recorder), "compile": altered([])})
    found(mel())
    recorder.graphs[0].fault = NO_MEMORY
    assert torch.allclose(found(mel()), right(mel()), atol=1e-5)
    assert found.described()["hits"] == {"graphs": 1, "compile": 1}
    assert fallback_reasons(found)[0] == f"out of memory: {NO_MEMORY}"
    # Only that bucket is lost, and told.
    assert found.failed == [("graphs", (1, 10))] and found.mode == "graphs"
    found(mel(20))
    assert found.described()["hits"]["graphs"] == 2


def test_memory_that_ends_in_a_lease() -> None:
    recorder = CpuRecorder()
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(recorder), "compile": altered([])})
    found(mel())
    recorder.graphs[0].fault = NO_MEMORY
    with found.lease(mel()) as lent:
        assert torch.allclose(lent.outputs[0], right(mel()), atol=1e-5)
    assert found.described()["hits"] == {"graphs": 1, "compile": 1}


class Hungry(torch.nn.Module):
    """A network that runs out of memory as often as it is told."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.times:
            self.times -= 1
            raise NO_MEMORY
        return x.sum(1, keepdim=True).repeat_interleave(2, -1)


def test_eager_tries_once_more_in_cleared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Hungry(2)  # in the plan, and once beside it
    left: list[int] = []
    monkeypatch.setattr(device_memory, "clear", lambda device: left.append(network.times))
    policy = Policy(clear_memory=False)  # between the two runs it is cleared all the same
    found = accelerate_vocoder("eager", module=network, policy=policy)
    assert found(mel()).shape == (1, 1, 20)
    assert left == [0]


@pytest.mark.parametrize("wanted", [False, True])
def test_memory_is_cleared_of_a_failed_run_before_another_plan_answers(
    wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    activations: list[weakref.ref[torch.Tensor]] = []
    freed: list[bool] = []

    def run_out(outputs: Tensors) -> Tensors:
        activation = torch.zeros(1_000)
        activations.append(weakref.ref(activation))
        raise torch.OutOfMemoryError("CUDA out of memory")

    def clear(device: torch.device) -> None:
        freed.append(all(held() is None for held in activations))

    monkeypatch.setattr(device_memory, "clear", clear)
    found = accelerate_vocoder(
        "compile", {"compile": altered([], run_out)}, policy=Policy(clear_memory=wanted)
    )
    assert torch.allclose(found(mel()), right(mel()), atol=1e-5)
    assert activations and freed == [True] * wanted


def test_memory_that_is_never_enough_is_a_clear_error() -> None:
    with pytest.raises(OutOfMemory, match="memory of cpu is not enough for Hungry"):
        accelerate_vocoder("eager", module=Hungry(9))(mel())


def test_an_error_of_the_network_itself_is_nobody_elses() -> None:
    class Broken(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        accelerate_vocoder("eager", module=Broken())(mel())


class Picky(torch.nn.Module):
    """A network that takes no loud inputs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.max() > 100:
            raise IndexError("too loud")
        return x.sum(1, keepdim=True).repeat_interleave(2, -1)


@pytest.mark.parametrize("leased", [False, True])
@pytest.mark.parametrize("prepared", [False, True])
def test_inputs_that_nothing_can_run_cost_no_plan(leased: bool, prepared: bool) -> None:
    found = accelerate_vocoder("compile", {"compile": altered([])}, module=Picky())
    if prepared:
        found(mel())
    with pytest.raises(IndexError, match="too loud"):
        if leased:
            with found.lease(mel() + 1_000):
                pass
        else:
            found(mel() + 1_000)
    found(mel())
    assert found.described()["hits"] == {"compile": 2 if prepared else 1}


def test_what_is_not_possible_now_is_possible_later() -> None:
    found = accelerate_vocoder(
        "graphs", {"graphs": graphs_with(CpuRecorder()), "compile": altered([])}
    )
    with found.lease(mel()):
        found(mel(20))  # cannot be recorded while this thread holds the buffers
    found(mel(20))
    assert found.described()["hits"] == {"graphs": 2, "compile": 1}


def test_an_unsupported_shape() -> None:
    found = accelerate_vocoder("compile", {"compile": altered([])})
    for frames in (5, 15, 40):
        x = mel(frames)
        assert torch.allclose(found(x), right(x), atol=1e-5)
    assert found.described()["hits"] == {"eager": 3}
    assert sorted(fallback_reasons(found)) == [
        "between two buckets",
        "no bucket holds a length of 40; there are (10, 20)",
        "no bucket holds a length of 5; there are (10, 20)",
    ]


def test_an_exception_in_the_quick_form() -> None:
    backends: list[AlteredBackend] = []
    found = accelerate_vocoder("compile", {"compile": altered(backends)})
    found(mel())
    backends[0].fault = RuntimeError("an illegal\ninstruction")
    assert torch.allclose(found(mel()), right(mel()), atol=1e-5)
    assert fallback_reasons(found) == ["an illegal instruction"]
    (failed,) = [b for b in found.described()["buckets"] if b["state"] == "failed"]
    assert (failed["sizes"], failed["plan"]) == ([1, 10], "compile")


def test_a_plan_that_cannot_be_made_at_all() -> None:
    found = accelerate_vocoder(
        "tensorrt", {"graphs": failing_maker(CannotRun("no GPU")), "compile": altered([])}
    )
    assert found.mode == "compile"
    assert found.described()["plans"][:2] == [
        {"plan": "tensorrt", "reason": "torch-tensorrt is not installed"},
        {"plan": "graphs", "reason": "no GPU"},
    ]
    assert torch.allclose(found(mel()), right(mel()), atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize(
    "alter",
    [
        lambda outputs: (outputs[0] * 1.1,),
        lambda outputs: (outputs[0] * torch.nan,),
        lambda outputs: (outputs[0][..., :-1],),
        lambda outputs: (torch.zeros_like(outputs[0]),),
        lambda outputs: (),
    ],
)
def test_wrong_output_is_never_given(alter: Callable[[Tensors], Tensors], precision: str) -> None:
    found = accelerate_vocoder("compile", {"compile": altered([], alter)}, precision=precision)
    assert torch.allclose(found(mel()), right(mel()), atol=0.01)
    assert found.described()["hits"] == {"eager": 1}
    assert all(reason.startswith("wrong output: ") for reason in fallback_reasons(found))


def test_a_wrong_state_is_wrong_output() -> None:
    def spoil(outputs: Tensors) -> Tensors:
        found.module.get_buffer("cache")[0, 9] += 1
        return outputs

    found = accelerate_step("compile", {"compile": altered([], spoil)})
    alone = Step().eval()
    with torch.no_grad():
        wanted = alone(*step_inputs())
    assert torch.allclose(found(*step_inputs())[0], wanted[0], atol=1e-5)
    assert torch.allclose(found.module.get_buffer("cache"), alone.cache)
    assert fallback_reasons(found)[0].startswith("wrong output: output 2")


class Steep(torch.nn.Module):
    """A network that loses what it should give in 16 bits."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        small = x.sum(1, keepdim=True).repeat_interleave(2, -1) / 1_000
        return (small + 100) - 100


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_precision_that_is_not_enough_falls_back_to_fp32(precision: str) -> None:
    found = accelerate_vocoder(
        "compile", {"compile": altered([])}, module=Steep(), precision=precision
    )
    for frames in (10, 7):
        assert torch.equal(found(mel(frames)), Steep()(mel(frames)))
    assert found.described()["hits"] == {"exact": 2}


def test_unprepared_buckets_run_eager_when_quiet_moments_prepare() -> None:
    found = accelerate_vocoder("compile", {"compile": altered([])}, policy=Policy(when_idle=True))
    found(mel())
    assert found.described()["hits"] == {"eager": 1}
    assert fallback_reasons(found) == ["not prepared yet"]


@pytest.mark.parametrize("short", [True, False])
def test_memory_that_is_short_for_a_trial_costs_no_speed_for_ever(
    monkeypatch: pytest.MonkeyPatch, short: bool
) -> None:
    """Memory errors alone must not make the truth answer every step: it is far slower."""
    found = accelerate_step("eager", precision="bf16")

    def run_out(network: Network, inputs: Tensors) -> None:
        raise NO_MEMORY if short else ZeroDivisionError

    monkeypatch.setattr(Network, "expected", run_out)
    for place in range(3):
        found(*step_inputs(place))
    assert found.described()["hits"] == {"eager" if short else "exact": 3}
    assert found.module.get_buffer("cache")[:, :3].any(-1).all()
