"""Properties of the kernels that need no run; `test_cached_attention` runs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

pytest.importorskip("triton")

import triton

SIZE, MOST = 64, 32
TILE_RESULTS = ("sums", "maxima", "totals")


@pytest.fixture(scope="module")
def kernels() -> Any:
    """Import the kernels, which takes torch's compiler: in a test, since every run collects."""
    from realtime.networks import cached_attention_triton

    return cached_attention_triton


def constants(kernels: Any) -> dict[str, int]:
    return {"size": SIZE, "tile": kernels.TILE, "most": MOST}


def compile_kernel(kernels: Any, kernel: Any, dtype: str) -> Any:
    """Compile a kernel for a GPU of compute capability 9.0, which need not be here."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    types = dict.fromkeys(kernel.arg_names, "i32") | {"scale": "fp32", "places": "*i64"}
    types |= dict.fromkeys(("queries", "keys", "values", "output"), f"*{dtype}")
    types |= dict.fromkeys(TILE_RESULTS, "*fp32") | dict.fromkeys(constants(kernels), "constexpr")
    types = {name: types[name] for name in kernel.arg_names}
    given = {name: value for name, value in constants(kernels).items() if name in types}
    source = ASTSource(kernel, types, constexprs=given)
    return triton.compile(source, target=GPUTarget("cuda", 90, 32))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["fp32", "fp16", "bf16"])
def test_they_compile_for_a_gpu(kernels: Any, dtype: str) -> None:
    for kernel in (kernels._attend_tile, kernels._combine_tiles):
        compiled = compile_kernel(kernels, kernel, dtype)
        assert compiled.asm["cubin"]
        assert compiled.metadata.shared <= 32 << 10  # several programs share a processor's memory


class PretendedDriver:
    """A GPU's driver, as far as compilers ask it."""

    def get_current_target(self) -> Any:
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", 90, 32)


@pytest.fixture
def driver() -> Iterator[None]:
    active = triton.runtime.driver
    before = active._active
    active.set_active(PretendedDriver())
    yield
    active._active = before


@pytest.mark.usefixtures("driver")
def test_compilers_see_that_a_cache_is_only_read(kernels: Any) -> None:
    """A compiler that took it for written would copy all of it at every step."""
    from torch._higher_order_ops.triton_kernel_wrap import identify_mutated_tensors

    numbers, places = torch.zeros(4), torch.zeros(1, dtype=torch.long)
    given = dict.fromkeys(("queries", "keys", "values", "output", *TILE_RESULTS), numbers)
    given |= {
        "places": places,
        "scale": 0.1,
        "heads": 16,
        "room": 2048,
        "tiles": 32,
        **constants(kernels),
    }
    for kernel, written in (
        (kernels._attend_tile, TILE_RESULTS),
        (kernels._combine_tiles, ("output",)),
    ):
        named = {name: given[name] for name in kernel.arg_names}
        assert identify_mutated_tensors(kernel, named, {}) == list(written)
