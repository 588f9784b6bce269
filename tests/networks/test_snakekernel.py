"""What holds of the kernel without running it; `test_fused` runs it, interpreted or on a GPU."""

from __future__ import annotations

import pytest

pytest.importorskip("triton")

from realtime.networks import snakekernel


def test_a_tile_keeps_what_has_all_of_its_neighbours() -> None:
    assert snakekernel.KEPT == snakekernel.TILE - snakekernel.HALF + 1
    assert snakekernel.ROWS >= 16  # what a product of matrices takes at least
    assert snakekernel.TILE & (snakekernel.TILE - 1) == 0
