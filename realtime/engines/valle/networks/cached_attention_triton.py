"""One query of each line against its own cache, as two Triton kernels.

A program of the first takes some places of one head of one line, so that a single line fills a
GPU; those beyond the line's last place read and write nothing. The second puts the parts together.
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

Wrap = Callable[[Any], Any]  # what makes a kernel known to compilers


@triton.jit  # type: ignore[untyped-decorator]
def _parts(
    queries, keys, values, places, found, loudest, weights, scale, heads, room, parts,
    size: tl.constexpr, tile: tl.constexpr,
):  # fmt: skip
    """Of one tile of places: what was heard, unweighted; the highest score; the sum of weights."""
    part, head = tl.program_id(0), tl.program_id(1)  # a head of a line: lines come one by one
    last = tl.load(places + head // heads)
    row = part * tile + tl.arange(0, tile)
    column = tl.arange(0, size)
    there = (row <= last)[:, None]
    at = (head.to(tl.int64) * room + row.to(tl.int64)[:, None]) * size + column[None, :]
    query = tl.load(queries + head * size + column).to(tl.float32) * scale
    key = tl.load(keys + at, mask=there, other=0.0).to(tl.float32)
    score = tl.where(row <= last, tl.sum(key * query[None, :], 1), -1e30)
    highest = tl.max(score, 0)
    weight = tl.where(row <= last, tl.exp(score - highest), 0.0)
    value = tl.load(values + at, mask=there, other=0.0).to(tl.float32)
    place = head * parts + part
    wanted = part * tile <= last
    tl.store(found + place * size + column, tl.sum(value * weight[:, None], 0), mask=wanted)
    tl.store(loudest + place, highest, mask=wanted)
    tl.store(weights + place, tl.sum(weight, 0), mask=wanted)


@triton.jit  # type: ignore[untyped-decorator]
def _together(
    found, loudest, weights, places, heard, heads, parts,
    size: tl.constexpr, tile: tl.constexpr, most: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(0)
    last = tl.load(places + head // heads)
    part = tl.arange(0, most)
    column = tl.arange(0, size)
    filled = part * tile <= last
    place = head * parts + part
    highest = tl.load(loudest + place, mask=filled, other=float("-inf"))
    share = tl.exp(highest - tl.max(highest, 0))
    total = tl.sum(share * tl.load(weights + place, mask=filled, other=0.0), 0)
    at = place[:, None] * size + column[None, :]
    values = tl.load(found + at, mask=filled[:, None], other=0.0)
    made = tl.sum(values * share[:, None], 0) / total
    tl.store(heard + head * size + column, made.to(heard.dtype.element_ty))


def launched(wrap: Wrap, q: Tensor, keys: Tensor, values: Tensor, places: Tensor) -> Tensor:
    """(lines, heads, 1, size) of queries against (slots, heads, room, size), up to each's place."""
    lines, heads, _, size = q.shape
    room = keys.shape[2]
    parts = triton.cdiv(room, TILE)
    q, places = q.contiguous(), places.contiguous()
    heard = torch.empty_like(q)
    found = q.new_empty((lines * heads, parts, size), dtype=torch.float32)
    loudest = q.new_empty((lines * heads, parts), dtype=torch.float32)
    weights = torch.empty_like(loudest)
    # Triton launches on the current device, whichever the tensors' is.
    with torch.cuda.device(q.device) if q.is_cuda else nullcontext():
        wrap(_parts)[(parts, lines * heads)](
            q, keys, values, places, found, loudest, weights, size**-0.5, heads, room, parts,
            size=size, tile=TILE,
        )  # fmt: skip
        wrap(_together)[(lines * heads,)](
            found, loudest, weights, places, heard, heads, parts,
            size=size, tile=TILE, most=triton.next_power_of_2(parts),
        )  # fmt: skip
    return heard


@torch.library.triton_op("yamabiko::decoded", mutates_args=())
def decoded(q: Tensor, keys: Tensor, values: Tensor, places: Tensor) -> Tensor:
    """The kernels as one operation, into which compilers see."""
    return launched(torch.library.wrap_triton, q, keys, values, places)
