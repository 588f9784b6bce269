"""The kernel without running it; `test_fastest_snake` runs it, interpreted or on a GPU."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("triton")

from realtime.vocoders.networks import snake_triton

SLOW_KERNELS = [("fp16", 16), ("fp32", 32), ("fp16", 32), ("bf16", 32)]


def test_a_tile_keeps_what_has_all_of_its_neighbours() -> None:
    assert snake_triton.KEPT == snake_triton.TILE - snake_triton.HALF + 1
    assert snake_triton.LEAST >= 16  # what a product of matrices takes at least
    assert snake_triton.TILE & (snake_triton.TILE - 1) == 0


def compiled_kernel(kind: str, wide: int) -> Any:
    """Compile the kernel for a GPU of the generation 9.0, which need not be here."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    constants = {"tile": snake_triton.TILE, "kept": snake_triton.KEPT, "wide": wide}
    kinds = dict.fromkeys(snake_triton._kernel.arg_names, "i32")
    kinds |= {"source": f"*{kind}", "target": f"*{kind}"}
    kinds |= dict.fromkeys(("up", "down", "inner", "outer"), "*fp32")
    kinds |= dict.fromkeys(constants, "constexpr")
    source = ASTSource(snake_triton._kernel, kinds, constexprs=constants)
    return triton.compile(source, target=GPUTarget("cuda", 90, 32))


# One without products of matrices and one with them; the compiler takes seconds for each.
@pytest.mark.parametrize(
    ("kind", "wide"),
    [
        ("fp32", 16),
        ("bf16", 16),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in SLOW_KERNELS),
    ],
)
def test_it_compiles_for_a_gpu(kind: str, wide: int) -> None:
    made = compiled_kernel(kind, wide)
    assert made.asm["cubin"]
    assert made.metadata.shared <= 64 << 10  # several programs share a processor's memory
    products = made.asm["ptx"].count("mma")
    assert (products > 0) == (kind != "fp32")
