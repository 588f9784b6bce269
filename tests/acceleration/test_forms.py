"""The compiled form is compiled, once for each bucket, also where a network has state."""

from __future__ import annotations

import pytest
import torch
from torch._dynamo.utils import counters

from tests.acceleration.small import Step, mel, quick, quick_step, step_inputs, vocoder

pytestmark = pytest.mark.timeout(400)  # the first compilation of a process is slow


def graphs() -> int:
    return int(counters["stats"]["unique_graphs"])


def test_each_bucket_is_one_graph_and_calls_compile_nothing() -> None:
    found = quick("compile")
    before = graphs()
    assert found.prepare([(1, 10), (1, 20)]) == [(1, 10), (1, 20)]
    assert graphs() == before + 2
    for frames in (10, 20, 10):
        x = mel(frames, seed=frames)
        with torch.no_grad():
            assert torch.allclose(found(x), vocoder()(x), atol=1e-5)
    assert graphs() == before + 2
    assert found.described()["hits"] == {"compile": 3}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_compiled_step_changes_the_buffers_in_place(precision: str) -> None:
    found = quick_step("compile", precision=precision)
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


def test_what_a_module_does_besides_forward_is_not_compiled() -> None:
    """The published recipe compiled a module and called another method of it: nothing."""
    before = graphs()
    module = vocoder()
    module.add_module("never", torch.nn.Identity())
    found = quick("compile", module=module)
    with torch.no_grad():
        found.module[0](mel())  # type: ignore[index]
    assert graphs() == before
