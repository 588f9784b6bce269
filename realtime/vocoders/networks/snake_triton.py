"""BigVGAN's activation as one Triton kernel: read once, written once, nothing kept between.

A program takes some channels and a tile of time. Both filters are six taps on each of two planes;
the second is a product with a small banded matrix, so that no sine is worked out twice.
"""

# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls
# Triton looks up every annotation of a kernel among its own constants, so kernels have none.

from __future__ import annotations

from contextlib import nullcontext

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 64  # places of each plane, of which the last few only serve their neighbours
HALF = 6
KEPT = TILE - HALF + 1
LEAST = 16  # channels of a program: the least that a product of matrices takes
# Lengths differ from call to call: none of them may ask for another compilation.
LENGTHS = ("channels", "length", "given_signal", "made_signal")


@triton.jit  # type: ignore[untyped-decorator]
def _filtered(given, places, length, step, real, taps, phase: tl.constexpr):
    """One plane of the doubled signal at some places."""
    total = tl.zeros((places.shape[0], real.shape[1]), tl.float32)
    for tap in tl.static_range(6):
        weight = 2.0 * tl.load(taps + 2 * tap + phase).to(tl.float32)
        at = tl.minimum(tl.maximum(places + 3 - phase - tap, 0), length - 1).to(tl.int64)
        total += weight * tl.load(given + at[:, None] * step, mask=real, other=0.0).to(tl.float32)
    return total


@triton.jit
def _snake(plane, inner, outer):
    wave = tl.sin(plane * inner)
    return plane + outer * wave * wave


@triton.jit  # type: ignore[untyped-decorator]
def _banded(plane, taps, kind: tl.constexpr, tile: tl.constexpr):
    """Six taps over a plane: row n of the band holds them at n … n + 5."""
    offset = tl.arange(0, tile)[None, :] - tl.arange(0, tile)[:, None]
    band = tl.load(taps + 2 * offset, mask=(offset >= 0) & (offset < 6), other=0.0).to(kind)
    return tl.dot(band, plane.to(kind), input_precision="ieee")


@triton.jit(do_not_specialize=LENGTHS)  # type: ignore[untyped-decorator]
def _kernel(
    given,
    made,
    up,
    down,
    inner,
    outer,
    channels,
    length,
    given_signal,
    given_channel,
    given_step,
    made_signal,
    made_channel,
    made_step,
    tile: tl.constexpr,
    kept: tl.constexpr,
    wide: tl.constexpr,
):
    blocks = tl.cdiv(channels, wide)
    signal = (tl.program_id(1) // blocks).to(tl.int64)
    channel = (tl.program_id(1) % blocks) * wide + tl.arange(0, wide)
    real = (channel < channels)[None, :]
    given += signal * given_signal + (channel.to(tl.int64) * given_channel)[None, :]
    made += signal * made_signal + (channel.to(tl.int64) * made_channel)[None, :]
    start = tl.program_id(0) * kept
    place = start - 3 + tl.arange(0, tile)  # of the odd plane; the even one is a place ahead
    odd_at = tl.minimum(tl.maximum(place, 0), length - 1)
    even_at = tl.minimum(tl.maximum(place + 1, 0), length - 1)
    odd = _filtered(given, odd_at, length, given_step, real, up, 0)
    even = _filtered(given, even_at, length, given_step, real, up, 1)
    if (start < 3) | (start + tile > length):
        # Around the signal the doubled signal's ends are held: the first is even, the last odd.
        first = _filtered(given, odd_at * 0, length, given_step, real, up, 1)
        last = _filtered(given, odd_at * 0 + length - 1, length, given_step, real, up, 0)
        odd = tl.where((place < 0)[:, None], first, odd)
        even = tl.where((place + 1 >= length)[:, None], last, even)
    scale = tl.load(inner + channel, mask=channel < channels, other=0.0).to(tl.float32)[None, :]
    share = tl.load(outer + channel, mask=channel < channels, other=0.0).to(tl.float32)[None, :]
    kind = made.dtype.element_ty
    total = _banded(_snake(odd, scale, share), down, kind, tile)
    total += _banded(_snake(even, scale, share), down + 1, kind, tile)
    column = tl.arange(0, tile)
    wanted = real & ((column < kept) & (start + column < length))[:, None]
    there = made + (start + column).to(tl.int64)[:, None] * made_step
    tl.store(there, total.to(kind), mask=wanted)


def activated(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """(batch, channels, 1, samples) in and out, in whatever order they lie."""
    made = torch.empty_like(x)
    batch, channels, _, length = x.shape
    wide = LEAST if channels <= LEAST else 2 * LEAST
    grid = (triton.cdiv(length, KEPT), triton.cdiv(channels, wide) * batch)
    # Triton launches on the current device, whichever the tensors' is.
    with torch.cuda.device(x.device) if x.is_cuda else nullcontext():
        _kernel[grid](
            x,
            made,
            up.contiguous(),
            down.contiguous(),
            inner.contiguous(),
            outer.contiguous(),
            channels,
            length,
            *(x.stride(place) for place in (0, 1, 3)),
            *(made.stride(place) for place in (0, 1, 3)),
            tile=TILE,
            kept=KEPT,
            wide=wide,
        )
    return made
