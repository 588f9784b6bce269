"""What holds of the kernels without running them; `test_decoding` runs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

pytest.importorskip("triton")

import triton

from realtime.engines.valle.networks import cached_attention_triton

CONSTANTS = {"size": 64, "tile": cached_attention_triton.TILE, "most": 32}
SUMS = ("found", "loudest", "weights")


def built(kernel: Any, kind: str) -> Any:
    """A kernel for a GPU of the generation 9.0, which need not be here."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kinds = dict.fromkeys(kernel.arg_names, "i32") | {"scale": "fp32", "places": "*i64"}
    kinds |= dict.fromkeys(("queries", "keys", "values", "heard"), f"*{kind}")
    kinds |= dict.fromkeys(SUMS, "*fp32") | dict.fromkeys(CONSTANTS, "constexpr")
    kinds = {name: kinds[name] for name in kernel.arg_names}
    constants = {name: value for name, value in CONSTANTS.items() if name in kinds}
    source = ASTSource(kernel, kinds, constexprs=constants)
    return triton.compile(source, target=GPUTarget("cuda", 90, 32))


@pytest.mark.parametrize("kind", ["fp32", "fp16", "bf16"])
def test_they_compile_for_a_gpu(kind: str) -> None:
    for kernel in (cached_attention_triton._parts, cached_attention_triton._together):
        made = built(kernel, kind)
        assert made.asm["cubin"]
        assert made.metadata.shared <= 32 << 10  # several programs share a processor's memory


class Generation:
    """As much of a GPU's driver as compilers ask for."""

    def get_current_target(self) -> Any:
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", 90, 32)


@pytest.fixture
def driver() -> Iterator[None]:
    active = triton.runtime.driver
    before = active._active
    active.set_active(Generation())
    yield
    active._active = before


@pytest.mark.usefixtures("driver")
def test_compilers_see_that_a_cache_is_only_read() -> None:
    """Else they would copy all of it at every step."""
    from torch._higher_order_ops.triton_kernel_wrap import identify_mutated_tensors

    numbers, places = torch.zeros(4), torch.zeros(1, dtype=torch.long)
    given = dict.fromkeys(("queries", "keys", "values", "heard", *SUMS), numbers)
    given |= {"places": places, "scale": 0.1, "heads": 16, "room": 2048, "parts": 32, **CONSTANTS}
    for kernel, written in (
        (cached_attention_triton._parts, SUMS),
        (cached_attention_triton._together, ("heard",)),
    ):
        named = {name: given[name] for name in kernel.arg_names}
        assert identify_mutated_tensors(kernel, named, {}) == list(written)
