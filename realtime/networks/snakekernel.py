"""BigVGAN's activation as one Triton kernel: read once, written once, nothing kept between.

A program takes some channels and a tile of time. Both filters are six taps on each of two planes;
the second is a product with a small banded matrix, so that no sine is worked out twice.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

ROWS = 16  # channels of a program: the least that a product of matrices takes
TILE = 64  # places of each plane, of which the last few only serve their neighbours
HALF = 6
KEPT = TILE - HALF + 1


@triton.jit  # type: ignore[untyped-decorator]
def _filtered(
    given: Any, places: Any, length: Any, real: Any, taps: Any, phase: tl.constexpr
) -> Any:
    """One plane of the doubled signal at some places."""
    total = tl.zeros((real.shape[0], places.shape[0]), tl.float32)
    for tap in tl.static_range(6):
        weight = 2.0 * tl.load(taps + 2 * tap + phase).to(tl.float32)
        at = tl.minimum(tl.maximum(places + 3 - phase - tap, 0), length - 1)
        total += weight * tl.load(given + at[None, :], mask=real, other=0.0).to(tl.float32)
    return total


@triton.jit  # type: ignore[untyped-decorator]
def _snake(plane: Any, inner: Any, outer: Any) -> Any:
    wave = tl.sin(plane * inner)
    return plane + outer * wave * wave


@triton.jit  # type: ignore[untyped-decorator]
def _banded(plane: Any, taps: Any, kind: tl.constexpr, tile: tl.constexpr) -> Any:
    """Six taps over a plane: column n of the band holds them at n … n + 5."""
    offset = tl.arange(0, tile)[:, None] - tl.arange(0, tile)[None, :]
    band = tl.load(taps + 2 * offset, mask=(offset >= 0) & (offset < 6), other=0.0).to(kind)
    return tl.dot(plane.to(kind), band, input_precision="ieee")


@triton.jit  # type: ignore[untyped-decorator]
def _kernel(
    given: Any,
    made: Any,
    up: Any,
    down: Any,
    inner: Any,
    outer: Any,
    signals: Any,
    channels: Any,
    length: Any,
    rows: tl.constexpr,
    tile: tl.constexpr,
    kept: tl.constexpr,
) -> None:
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    real = (row < signals)[:, None]
    line = row.to(tl.int64)[:, None] * length
    start = tl.program_id(1) * kept
    place = start - 3 + tl.arange(0, tile)  # of the odd plane; the even one is a place ahead
    odd_at = tl.minimum(tl.maximum(place, 0), length - 1)
    even_at = tl.minimum(tl.maximum(place + 1, 0), length - 1)
    odd = _filtered(given + line, odd_at, length, real, up, 0)
    even = _filtered(given + line, even_at, length, real, up, 1)
    if (start < 3) | (start + tile > length):
        # Around the signal the doubled signal's ends are held: the first is even, the last odd.
        first = _filtered(given + line, odd_at * 0, length, real, up, 1)
        last = _filtered(given + line, odd_at * 0 + length - 1, length, real, up, 0)
        odd = tl.where((place < 0)[None, :], first, odd)
        even = tl.where((place + 1 >= length)[None, :], last, even)
    scale = tl.load(inner + row % channels).to(tl.float32)[:, None]
    share = tl.load(outer + row % channels).to(tl.float32)[:, None]
    kind = made.dtype.element_ty
    total = _banded(_snake(odd, scale, share), down, kind, tile)
    total += _banded(_snake(even, scale, share), down + 1, kind, tile)
    column = tl.arange(0, tile)
    wanted = real & (column < kept)[None, :] & (start + column < length)[None, :]
    tl.store(made + line + (start + column)[None, :], total.to(kind), mask=wanted)


def activated(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """(batch, channels, 1, samples) in and out."""
    x = x.contiguous()
    batch, channels, _, length = x.shape
    made = torch.empty_like(x)
    signals = batch * channels
    grid = (triton.cdiv(signals, ROWS), triton.cdiv(length, KEPT))
    _kernel[grid](
        x,
        made,
        up.contiguous(),
        down.contiguous(),
        inner.contiguous(),
        outer.contiguous(),
        signals,
        channels,
        length,
        rows=ROWS,
        tile=TILE,
        kept=KEPT,
    )
    return made
