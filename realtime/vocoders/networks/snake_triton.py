"""BigVGAN's activation as one Triton kernel, which reads and writes the signal once.

A program takes some channels and a tile of time. Both filters are six taps on each of two planes;
the second is a product with a small banded matrix, so that no sine is computed twice.
"""

# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls
# Triton looks up every annotation of a kernel among its own constants, so kernels have none.

from __future__ import annotations

from contextlib import nullcontext

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 64  # places of each plane; the last few are only neighbours of others
HALF = 6  # taps on one plane
KEPT = TILE - HALF + 1  # places of a tile that have all of their neighbours
LEAST = 16  # channels of a program: Triton's matrix product takes no fewer
# Lengths differ from call to call: none of them may ask for another compilation.
LENGTHS = ("channels", "length", "source_signal", "target_signal")


@triton.jit  # type: ignore[untyped-decorator]
def _filtered(source, places, length, step, real, taps, phase: tl.constexpr):
    """Compute one plane of the doubled signal at some places."""
    total = tl.zeros((places.shape[0], real.shape[1]), tl.float32)
    for tap in tl.static_range(6):
        weight = 2.0 * tl.load(taps + 2 * tap + phase).to(tl.float32)
        at = tl.minimum(tl.maximum(places + 3 - phase - tap, 0), length - 1).to(tl.int64)
        total += weight * tl.load(source + at[:, None] * step, mask=real, other=0.0).to(tl.float32)
    return total


@triton.jit
def _snake(plane, inner, outer):
    wave = tl.sin(plane * inner)
    return plane + outer * wave * wave


@triton.jit  # type: ignore[untyped-decorator]
def _banded(plane, taps, kind: tl.constexpr, tile: tl.constexpr):
    """Filter a plane by six taps: row n of the matrix holds them at n … n + 5."""
    offset = tl.arange(0, tile)[None, :] - tl.arange(0, tile)[:, None]
    band = tl.load(taps + 2 * offset, mask=(offset >= 0) & (offset < 6), other=0.0).to(kind)
    return tl.dot(band, plane.to(kind), input_precision="ieee")


@triton.jit(do_not_specialize=LENGTHS)  # type: ignore[untyped-decorator]
def _kernel(
    source,
    target,
    up,
    down,
    inner,
    outer,
    channels,
    length,
    source_signal,
    source_channel,
    source_step,
    target_signal,
    target_channel,
    target_step,
    tile: tl.constexpr,
    kept: tl.constexpr,
    wide: tl.constexpr,
):
    blocks = tl.cdiv(channels, wide)
    signal = (tl.program_id(1) // blocks).to(tl.int64)
    channel = (tl.program_id(1) % blocks) * wide + tl.arange(0, wide)
    real = (channel < channels)[None, :]
    source += signal * source_signal + (channel.to(tl.int64) * source_channel)[None, :]
    target += signal * target_signal + (channel.to(tl.int64) * target_channel)[None, :]
    start = tl.program_id(0) * kept
    place = start - 3 + tl.arange(0, tile)  # on the odd plane; the even plane is one place ahead
    odd_at = tl.minimum(tl.maximum(place, 0), length - 1)
    even_at = tl.minimum(tl.maximum(place + 1, 0), length - 1)
    odd = _filtered(source, odd_at, length, source_step, real, up, 0)
    even = _filtered(source, even_at, length, source_step, real, up, 1)
    if (start < 3) | (start + tile > length):
        # Outside, the doubled signal's end samples are repeated: the first is even, the last odd.
        first = _filtered(source, odd_at * 0, length, source_step, real, up, 1)
        last = _filtered(source, odd_at * 0 + length - 1, length, source_step, real, up, 0)
        odd = tl.where((place < 0)[:, None], first, odd)
        even = tl.where((place + 1 >= length)[:, None], last, even)
    scale = tl.load(inner + channel, mask=channel < channels, other=0.0).to(tl.float32)[None, :]
    share = tl.load(outer + channel, mask=channel < channels, other=0.0).to(tl.float32)[None, :]
    kind = target.dtype.element_ty
    total = _banded(_snake(odd, scale, share), down, kind, tile)
    total += _banded(_snake(even, scale, share), down + 1, kind, tile)
    column = tl.arange(0, tile)
    wanted = real & ((column < kept) & (start + column < length))[:, None]
    there = target + (start + column).to(tl.int64)[:, None] * target_step
    tl.store(there, total.to(kind), mask=wanted)


def snake_on_gpu(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Compute the activation of (batch, channels, 1, samples), in any memory order."""
    target = torch.empty_like(x)
    batch, channels, _, length = x.shape
    wide = LEAST if channels <= LEAST else 2 * LEAST
    grid = (triton.cdiv(length, KEPT), triton.cdiv(channels, wide) * batch)
    # Triton launches on the current device, not on the tensors' one.
    with torch.cuda.device(x.device) if x.is_cuda else nullcontext():
        _kernel[grid](
            x,
            target,
            up.contiguous(),
            down.contiguous(),
            inner.contiguous(),
            outer.contiguous(),
            channels,
            length,
            *(x.stride(place) for place in (0, 1, 3)),
            *(target.stride(place) for place in (0, 1, 3)),
            tile=TILE,
            kept=KEPT,
            wide=wide,
        )
    return target
