"""A module in its precision: short inside, fp32 outside, its state in one place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from realtime.acceleration import Policy, accelerate
from realtime.acceleration.accelerate import MAKERS
from realtime.acceleration.network import Network, disable_tf32
from realtime.errors import BadRequest
from tests.support.small_networks import (
    PLACES,
    Step,
    accelerate_vocoder,
    altered,
    mel,
    step_inputs,
    vocoder,
)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize("autocast", [False, True])
def test_outputs_are_fp32_in_every_precision(precision: str, autocast: bool) -> None:
    network = Network(vocoder(), precision, "cpu", autocast=autocast)
    (found,) = network.run((mel(),))
    assert found.dtype == torch.float32
    assert torch.allclose(found, network.run_exact((mel(),))[0], atol=0.02)
    assert torch.equal(found, network.run_exact((mel(),))[0]) == (precision == "fp32")


def test_weights_are_shortened_in_a_copy_or_not_at_all() -> None:
    module = vocoder()
    short = Network(module, "bf16", "cpu")
    assert {p.dtype for p in short.module.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in module.parameters()} == {torch.float32}
    assert short.original is module
    assert Network(module, "bf16", "cpu", autocast=True).module is module
    assert Network(module, "fp32", "cpu").module is module


class Twisted(torch.nn.Module):
    """A vocoder with a quick form of its own, which is wrong as much as it is told."""

    def __init__(self, wrong: float) -> None:
        super().__init__()
        self.inner = vocoder()
        self.wrong = wrong

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.inner(x) * (1 + self.wrong)
        return found


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("wrong", [0.0, 0.5])
@pytest.mark.parametrize("frames", [10, 7])
def test_a_module_that_could_be_wrong_is_held_against_a_truth(
    precision: str, wrong: float, frames: int
) -> None:
    truth = vocoder()
    found = accelerate_vocoder("eager", module=Twisted(wrong), truth=truth, precision=precision)
    assert not found.network.is_exact
    found.prepare([(1, 10)])
    with torch.no_grad():
        near = 1e-5 if wrong or precision == "fp32" else 0.02
        assert torch.allclose(found(mel(frames)), truth(mel(frames)), atol=near)
    assert found.described()["hits"] == {"exact" if wrong else "eager": 1}


def test_without_a_truth_the_module_itself_is_one() -> None:
    found = accelerate_vocoder("eager", module=Twisted(0.5))
    with torch.no_grad():
        assert torch.allclose(found(mel()), 1.5 * vocoder()(mel()), atol=1e-5)


def test_what_no_bucket_holds_runs_eager_once_it_is_prepared() -> None:
    found = accelerate_vocoder("eager", module=Twisted(0), truth=vocoder())
    found(mel(7))
    assert found.described()["hits"] == {"exact": 1}
    found.prepare([])
    found(mel(7))
    assert found.described()["hits"] == {"exact": 1, "eager": 1}


def test_a_truth_has_the_same_state() -> None:
    with pytest.raises(BadRequest, match="no buffer 'cache'"):
        Network(Step(), "fp32", "cpu", state=("cache",), truth=vocoder())


def test_autocast_is_a_setting_that_acts() -> None:
    found = accelerate_vocoder("eager", precision="bf16", policy=Policy(autocast=True))
    assert found.module is found.network.original
    assert not torch.equal(found(mel()), vocoder()(mel()))


def test_state_is_kept_and_put_back() -> None:
    network = Network(Step(), "bf16", "cpu", state=("cache",))
    with network.unchanged():
        network.run(step_inputs())
        assert network.module.get_buffer("cache").any()
    assert not network.module.get_buffer("cache").any()


def test_the_truth_moves_the_same_state() -> None:
    network = Network(Step(), "bf16", "cpu", state=("cache",))
    network.run_exact(step_inputs(3))
    row = network.module.get_buffer("cache")[:, 3].float()
    wanted = Step().linear(step_inputs(3)[0])
    assert torch.allclose(row, wanted, atol=0.01)


def test_a_buffer_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadRequest, match="no buffer 'kv'"):
        Network(Step(), "fp32", "cpu", state=("kv",))


def test_fp32_is_fp32() -> None:
    torch.backends.cuda.matmul.allow_tf32 = True
    disable_tf32()
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
    assert not torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction


def test_the_truth_is_lent_its_state_and_keeps_none() -> None:
    network = Network(Step(), "bf16", "cpu", state=("cache",))
    assert network.original.get_buffer("cache").is_meta
    before = network.snapshot()
    found, change = network.expected(step_inputs(3))
    assert torch.equal(network.module.get_buffer("cache"), before[0])
    wanted = Step().eval()
    with torch.no_grad():
        assert torch.allclose(found[0], wanted(*step_inputs(3))[0])
    assert change[0].rows.tolist() == [3, PLACES + 3]
    assert torch.allclose(change[0].values, wanted.cache[:, 3])


class Roomy(nn.Module):
    """A step that reads and writes one row of a cache that is much larger than all else."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 64)
        for layer in range(8):
            self.register_buffer(f"cache_{layer}", torch.zeros(64, 512, 64))

    def rehearse(self, x: torch.Tensor, place: torch.Tensor) -> None:
        for layer in range(8):
            self.get_buffer(f"cache_{layer}").fill_(0.5)

    def forward(self, x: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        for layer in range(8):
            cache = self.get_buffer(f"cache_{layer}")
            cache[0, place] = self.linear(x).to(cache.dtype)
            x = x + cache[0, :4].sum(0)
        return x


def peak(work: Callable[[], object]) -> int:
    """Measure the most bytes that torch held at once for some work, beyond those before."""
    with torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
        work()
    held = most = 0
    waiting = list(profile.profiler.kineto_results.experimental_event_tree())
    found = []
    while waiting:
        event = waiting.pop()
        waiting += event.children
        if event.tag.name == "Allocation":
            found.append((event.start_time_ns, event.extra_fields.alloc_size))
    for _, size in sorted(found):
        held += size
        most = max(most, held)
    assert found
    return most


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "times"), [("fp32", 2.5), ("bf16", 3.5)])
def test_a_trial_takes_little_more_than_the_state_that_it_keeps(
    precision: str, times: float
) -> None:
    """The state that comes back, and the truth's, which in full is twice as large as in 16 bits."""
    module = Roomy()
    inputs = (torch.ones(1, 64), torch.tensor([3]))
    found = accelerate(
        module,
        inputs=inputs,
        plan="compile",
        precision=precision,
        state=("cache_",),
        makers={**MAKERS, "compile": altered([])},
    )
    state = sum(b.numel() * b.element_size() for b in found.module.buffers())
    found.module.get_buffer("cache_2").fill_(7.0)
    assert peak(found.prepare) < times * state
    assert found.described()["buckets"][0]["state"] == "ready"
    assert (found.module.get_buffer("cache_2") == 7.0).all()
