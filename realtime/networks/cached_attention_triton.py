"""Two Triton kernels that attend one query of each line to that line's own cache.

A program of the first takes one tile of places of one head of one line, so that a single line
fills a GPU; tiles beyond the line's place read and write nothing. The second combines the tiles.
"""

# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls
# Triton looks up every annotation of a kernel among its own constants, so kernels have none.

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 64  # places of a program

Wrap = Callable[[Any], Any]  # makes a kernel known to compilers


@triton.jit  # type: ignore[untyped-decorator]
def _attend_tile(
    queries, keys, values, places, sums, maxima, totals, scale, heads, room, tiles,
    size: tl.constexpr, tile: tl.constexpr,
):  # fmt: skip
    """Write of one tile: the weighted sum of values, the highest score, the total of weights.

    Weights are relative to the tile's highest score, so that no exponential overflows.
    """
    number, head = tl.program_id(0), tl.program_id(1)  # `head` counts all heads of all lines
    last = tl.load(places + head // heads)
    row = number * tile + tl.arange(0, tile)
    column = tl.arange(0, size)
    filled = (row <= last)[:, None]
    # In 64 bits: a cache of many slots has more numbers than 32 bits can count.
    at = (head.to(tl.int64) * room + row.to(tl.int64)[:, None]) * size + column[None, :]
    query = tl.load(queries + head * size + column).to(tl.float32) * scale
    key = tl.load(keys + at, mask=filled, other=0.0).to(tl.float32)
    score = tl.where(row <= last, tl.sum(key * query[None, :], 1), -1e30)
    highest = tl.max(score, 0)
    weight = tl.where(row <= last, tl.exp(score - highest), 0.0)
    value = tl.load(values + at, mask=filled, other=0.0).to(tl.float32)
    place = head * tiles + number
    wanted = number * tile <= last
    tl.store(sums + place * size + column, tl.sum(value * weight[:, None], 0), mask=wanted)
    tl.store(maxima + place, highest, mask=wanted)
    tl.store(totals + place, tl.sum(weight, 0), mask=wanted)


@triton.jit  # type: ignore[untyped-decorator]
def _combine_tiles(
    sums, maxima, totals, places, output, heads, tiles,
    size: tl.constexpr, tile: tl.constexpr, most: tl.constexpr,
):  # fmt: skip
    """Write one head's output: the tiles' sums, each by its share of all weights."""
    head = tl.program_id(0)
    last = tl.load(places + head // heads)
    number = tl.arange(0, most)
    column = tl.arange(0, size)
    filled = number * tile <= last
    place = head * tiles + number
    highest = tl.load(maxima + place, mask=filled, other=float("-inf"))
    share = tl.exp(highest - tl.max(highest, 0))
    total = tl.sum(share * tl.load(totals + place, mask=filled, other=0.0), 0)
    at = place[:, None] * size + column[None, :]
    values = tl.load(sums + at, mask=filled[:, None], other=0.0)
    result = tl.sum(values * share[:, None], 0) / total
    tl.store(output + head * size + column, result.to(output.dtype.element_ty))


def launch_kernels(wrap: Wrap, q: Tensor, keys: Tensor, values: Tensor, places: Tensor) -> Tensor:
    """Attend queries (lines, heads, 1, size) to (slots, heads, room, size), up to each place."""
    lines, heads, _, size = q.shape
    room = keys.shape[2]
    tiles = triton.cdiv(room, TILE)
    q, places = q.contiguous(), places.contiguous()
    output = torch.empty_like(q)
    sums = q.new_empty((lines * heads, tiles, size), dtype=torch.float32)
    maxima = q.new_empty((lines * heads, tiles), dtype=torch.float32)
    totals = torch.empty_like(maxima)
    # Triton launches on the current device, whichever the tensors' is.
    with torch.cuda.device(q.device) if q.is_cuda else nullcontext():
        wrap(_attend_tile)[(tiles, lines * heads)](
            q, keys, values, places, sums, maxima, totals, size**-0.5, heads, room, tiles,
            size=size, tile=TILE,
        )  # fmt: skip
        wrap(_combine_tiles)[(lines * heads,)](
            sums, maxima, totals, places, output, heads, tiles,
            size=size, tile=TILE, most=triton.next_power_of_2(tiles),
        )  # fmt: skip
    return output


@torch.library.triton_op("yamabiko::attend_cache", mutates_args=())
def attend_cache(q: Tensor, keys: Tensor, values: Tensor, places: Tensor) -> Tensor:
    """Run both kernels as one torch operation that compilers can look into."""
    return launch_kernels(torch.library.wrap_triton, q, keys, values, places)
