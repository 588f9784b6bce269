"""Engines get the module's outputs through any plan, from any thread, switched or not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from realtime.acceleration import Policy
from realtime.errors import BadRequest
from tests.support.small_networks import (
    UP,
    AlteredBackend,
    CpuRecorder,
    Step,
    accelerate_step,
    accelerate_vocoder,
    altered,
    fallback_reasons,
    graphs_with,
    mel,
    step_inputs,
    vocoder,
)

THREADS = 4
CALLS = 25


def right(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = vocoder()(x)
    return found


@pytest.mark.parametrize("plan", ["eager", "compile", "graphs"])
@pytest.mark.parametrize(("batch", "frames"), [(1, 10), (3, 20), (2, 15), (1, 7), (5, 30)])
def test_outputs_are_those_of_the_module(plan: str, batch: int, frames: int) -> None:
    found = accelerate_vocoder(plan, {"compile": altered([]), "graphs": graphs_with(CpuRecorder())})
    x = mel(frames, batch)
    assert found(x).shape == (batch, 1, UP * frames)
    assert torch.allclose(found(x), right(x), atol=1e-5)


def test_what_is_given_belongs_to_the_caller() -> None:
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(CpuRecorder())})
    first = found(mel(seed=1))
    kept = first.clone()
    found(mel(seed=2))
    assert torch.equal(first, kept)


@pytest.mark.parametrize("leased", [False, True])
def test_two_threads_never_see_each_others_buffers(leased: bool) -> None:
    recorder = CpuRecorder()
    found = accelerate_vocoder(
        "graphs", {"graphs": graphs_with(recorder)}, policy=Policy(lease_seconds=60)
    )
    found.prepare([(1, 10), (1, 20)])
    sounds = [mel(10 if number % 2 else 20, seed=number) for number in range(THREADS)]
    wanted = [right(x) for x in sounds]
    start = threading.Barrier(THREADS)

    def ask(number: int) -> bool:
        x = sounds[number]
        start.wait(30)
        same = True
        for _ in range(CALLS):
            if leased:
                with found.lease(x) as lent:
                    threading.Event().wait(0.0005)
                    same &= torch.allclose(lent.outputs[0], wanted[number], atol=1e-5)
            else:
                same &= torch.allclose(found(x), wanted[number], atol=1e-5)
        return same

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(ask, range(THREADS)))
    assert found.described()["hits"] == {"graphs": THREADS * CALLS}


def test_a_lease_is_over_with_its_block() -> None:
    found = accelerate_vocoder(
        "graphs", {"graphs": graphs_with(CpuRecorder()), "compile": altered([])}
    )
    with found.lease(mel()) as lent:
        assert torch.allclose(lent.outputs[0], right(mel()), atol=1e-5)
        # The same thread's next call must not wait for itself.
        assert torch.allclose(found(mel(seed=2)), right(mel(seed=2)), atol=1e-5)
    with pytest.raises(RuntimeError, match="over"):
        _ = lent.outputs
    assert "the buffers are held by a lease of this thread" in fallback_reasons(found)
    assert torch.allclose(found(mel()), right(mel()), atol=1e-5)
    assert found.described()["hits"]["graphs"] == 2


def test_an_error_of_a_leases_holder_is_the_holders() -> None:
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(CpuRecorder())})
    with pytest.raises(ZeroDivisionError), found.lease(mel()):
        raise ZeroDivisionError
    found(mel())
    assert found.described()["hits"] == {"graphs": 2} and not fallback_reasons(found)


@pytest.mark.parametrize("plan", ["eager", "compile", "graphs"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_with_state_runs_as_if_it_ran_alone(plan: str, precision: str) -> None:
    found = accelerate_step(
        plan,
        {"compile": altered([]), "graphs": graphs_with(CpuRecorder())},
        precision=precision,
    )
    alone = Step().eval()
    assert found.prepare() == [()]
    assert not found.module.get_buffer("cache").any(), "preparing left traces"
    for place in range(5):
        inputs = step_inputs(place, seed=place)
        with torch.no_grad():
            wanted = alone(*inputs)
        total, best = found(*inputs)
        assert torch.allclose(total, wanted[0], atol=1e-5 if precision == "fp32" else 0.05)
        assert best.dtype == wanted[1].dtype
    assert found.described()["hits"] == {plan: 5}


def test_off_and_on_while_others_call() -> None:
    backends: list[AlteredBackend] = []
    found = accelerate_vocoder("compile", {"compile": altered(backends)})
    found(mel())
    found.switch(False)
    assert found.mode == "eager"
    found(mel())
    found.switch(True)
    found(mel())
    assert found.described()["hits"] == {"compile": 2, "eager": 1}


def test_on_again_tries_what_had_failed() -> None:
    backends: list[AlteredBackend] = []
    found = accelerate_vocoder("compile", {"compile": altered(backends)})
    found(mel())
    backends[0].fault = RuntimeError("a moment of weakness")
    found(mel())
    backends[0].fault = None
    found(mel())
    assert found.described()["hits"] == {"compile": 1, "eager": 2}
    found.switch(False)
    found.switch(True)
    found(mel())
    assert found.described()["hits"] == {"compile": 2, "eager": 2}


def test_quiet_moments_go_to_the_most_used_bucket() -> None:
    backends: list[AlteredBackend] = []
    found = accelerate_vocoder(
        "compile", {"compile": altered(backends)}, policy=Policy(when_idle=True)
    )
    for frames in (10, 20, 20):
        found(mel(frames))
    assert found.described()["hits"] == {"eager": 3}
    assert not found.prepare_when_quiet(quiet_seconds=3_600), "a moment ago somebody called"
    assert found.prepare_when_quiet()
    assert backends[0].prepared == [(1, 20)]
    found(mel(20))
    assert found.described()["hits"] == {"eager": 3, "compile": 1}
    assert found.prepare_when_quiet() and not found.prepare_when_quiet()
    assert backends[0].prepared == [(1, 20), (1, 10)]


def test_while_one_bucket_is_prepared_others_are_called_and_told() -> None:
    backends: list[AlteredBackend] = []
    found = accelerate_vocoder(
        "compile", {"compile": altered(backends)}, policy=Policy(when_idle=True)
    )
    found(mel(10))
    found.prepare([(1, 10)])
    found(mel(20))
    begun, go_on = threading.Event(), threading.Event()

    def slow(sizes: tuple[int, ...], inputs: object) -> None:
        begun.set()
        assert go_on.wait(30)

    backends[0].prepare = slow  # type: ignore[method-assign]
    preparing = threading.Thread(target=found.prepare_when_quiet)
    preparing.start()
    assert begun.wait(30)
    found(mel(10))
    found(mel(20))
    assert found.described()["hits"] == {"compile": 1, "eager": 3}
    go_on.set()
    preparing.join(30)
    found(mel(20))
    assert found.described()["hits"] == {"compile": 2, "eager": 3}


def test_a_step_is_not_disturbed_in_quiet_moments() -> None:
    found = accelerate_step("compile", {"compile": altered([])}, policy=Policy(when_idle=True))
    found(*step_inputs())
    assert not found.prepare_when_quiet()


def test_waste_is_told() -> None:
    found = accelerate_vocoder("compile", {"compile": altered([])})
    found(mel(10, batch=4))
    assert found.described()["padding_share"] == 0
    found(mel(10, batch=3))
    assert found.described()["padding_share"] == pytest.approx(1 - 7 / 8, abs=1e-3)
    found.count_overlap(computed=200, kept=150)
    assert found.described()["overlap_share"] == 0.25


def test_closed_it_still_answers() -> None:
    backends: list[AlteredBackend] = []
    found = accelerate_vocoder("compile", {"compile": altered(backends)})
    found(mel())
    found.close()
    assert backends[0].closed
    assert torch.allclose(found(mel()), right(mel()), atol=1e-5)


def test_buckets_have_as_many_sizes_as_axes() -> None:
    with pytest.raises(BadRequest, match="2 sizes, not 1"):
        accelerate_vocoder("eager").prepare([(1,)])
