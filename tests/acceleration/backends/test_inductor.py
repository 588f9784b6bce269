"""The compiled backend is compiled, once for each bucket, also where a network has state."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from realtime.acceleration.backends.inductor import Compiled
from realtime.acceleration.refusals import NotNow
from tests.support.small_networks import (
    Step,
    accelerate_step,
    accelerate_vocoder,
    compiled_graphs,
    fallback_reasons,
    mel,
    network_spec,
    step_inputs,
    vocoder,
)

pytestmark = pytest.mark.timeout(400)  # the first compilation of a process is slow


@pytest.mark.slow
def test_each_bucket_is_one_graph_and_calls_compile_nothing() -> None:
    found = accelerate_vocoder("compile")
    before = compiled_graphs()
    assert found.prepare([(1, 10), (1, 20)]) == [(1, 10), (1, 20)]
    assert compiled_graphs() == before + 2
    for frames in (10, 20, 10):
        x = mel(frames, seed=frames)
        with torch.no_grad():
            assert torch.allclose(found(x), vocoder()(x), atol=1e-5)
    assert compiled_graphs() == before + 2
    assert found.described()["hits"] == {"compile": 3}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_compiled_step_changes_the_buffers_in_place(precision: str) -> None:
    found = accelerate_step("compile", precision=precision)
    where = found.module.get_buffer("cache").data_ptr()
    alone = Step().eval()
    near = 1e-5 if precision == "fp32" else 0.05
    for place in range(4):
        inputs = step_inputs(place, seed=place)
        with torch.no_grad():
            wanted = alone(*inputs)
        assert torch.allclose(found(*inputs)[0], wanted[0], atol=near)
    assert torch.allclose(found.module.get_buffer("cache").float(), alone.cache, atol=near)
    assert found.module.get_buffer("cache").data_ptr() == where
    assert found.described()["hits"] == {"compile": 4}


def in_a_thread(work: Callable[[], torch.Tensor]) -> torch.Tensor:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(100)


def test_whoever_calls_and_however_what_runs_is_compiled() -> None:
    """Each of these calls once missed what was compiled and ran eager, without a report."""
    found = accelerate_vocoder("compile")
    found.prepare([(1, 10)])
    x = mel()
    with torch.no_grad():
        wanted = vocoder()(x)
    threads = torch.get_num_threads()

    def with_other_threads() -> torch.Tensor:
        torch.set_num_threads(threads + 1)
        try:
            return found(x)
        finally:
            torch.set_num_threads(threads)

    with torch.inference_mode():
        inferred = x.clone()
        results = [found(inferred), found(x)]
        with found.lease(inferred) as lent:
            results.append(lent.outputs[0].clone())
            assert torch.is_inference_mode_enabled(), "the block has its holder's mode"
        results.append(in_a_thread(lambda: found(inferred)))
    with torch.enable_grad():
        results.append(found(x.clone().requires_grad_()))
    results += [in_a_thread(lambda: found(x)), with_other_threads()]
    results.append(in_a_thread(with_other_threads))
    results.append(found(x.mT.contiguous().mT))
    for result in results:
        assert torch.allclose(result, wanted, atol=1e-5) and not result.requires_grad
    assert found.described()["hits"] == {"compile": len(results)} and not fallback_reasons(found)


def test_what_was_prepared_in_inference_mode_is_compiled_too() -> None:
    with torch.inference_mode():
        found = accelerate_vocoder("compile")
        found(mel())
    with torch.no_grad():
        assert torch.allclose(found(mel()), vocoder()(mel()), atol=1e-5)
    assert found.described()["hits"] == {"compile": 2}


def test_a_call_that_nothing_was_compiled_for_is_not_called_compiled() -> None:
    spec = network_spec()
    backend = Compiled(spec.network)
    backend.prepare((1, 10), (mel(),))
    with pytest.raises(NotNow, match="does not hold for this call"):
        backend.run((1, 10), (mel(20),))
    with pytest.raises(NotNow, match="not compiled for this size"):
        backend.run((1, 20), (mel(20),))
    backend.drop((1, 10))
    assert not backend.holds((1, 10))


@pytest.mark.slow
def test_networks_keep_nothing_in_each_others_code() -> None:
    """Dynamo keeps few graphs for one function; past that it would run eager silently."""
    from torch._dynamo import config

    one, other = Compiled(network_spec().network), Compiled(network_spec().network)
    with config.patch(recompile_limit=1, accumulated_recompile_limit=1):
        for backend in (one, other):
            backend.prepare((1, 10), (mel(),))
            backend.prepare((1, 20), (mel(20),))
    for backend in (one, other):
        assert backend.run((1, 10), (mel(),))[0].shape == (1, 1, 20)


def test_what_a_module_does_besides_forward_is_not_compiled() -> None:
    """The published recipe compiled a module and called another method of it: nothing."""
    before = compiled_graphs()
    module = vocoder()
    module.add_module("never", torch.nn.Identity())
    found = accelerate_vocoder("compile", module=module)
    with torch.no_grad():
        found.module[0](mel())  # type: ignore[index]
    assert compiled_graphs() == before
