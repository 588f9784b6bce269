"""Short tiles of a long signal, one after the other, so that what a layer makes stays in the cache.

On a processor each layer of a long signal writes tens of megabytes to new memory, and the system
clears that memory page by page: for a window of 8 s that took a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from realtime.vocoders.networks.receptive_field import Span

TILE_BYTES = 2 << 20  # of a signal: several fit into the cache that a processor's cores share
LEAST_REACHES = 8  # a tile is as many times longer than what is computed twice beside it


def can_be_cut(x: Tensor) -> bool:
    """Tell whether a signal is on a processor, and computed at once, not traced or compiled."""
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return False
    return x.device.type == "cpu" and not torch.is_grad_enabled()


def in_tiles(work: Callable[[Tensor], Tensor], x: Tensor, reach: Span) -> Tensor:
    """Return what `work` makes of a signal (batch, channels, 1, samples), in its shape.

    A sample of it depends on those from `reach.first` before it, a negative number, to `reach.last`
    after it.
    """
    tile = _samples(x, reach)
    if x.shape[3] <= tile:
        return work(x)
    made = torch.empty_like(x)
    for row in range(x.shape[0]):
        _fill(made[row : row + 1], work, x[row : row + 1], reach, tile)
    return made


def _fill(
    made: Tensor, work: Callable[[Tensor], Tensor], x: Tensor, reach: Span, tile: int
) -> None:
    length = x.shape[3]
    for start in range(0, length, tile):
        stop = min(length, start + tile)
        first, last = max(0, start + reach.first), min(length, stop + reach.last)
        part = work(x[..., first:last])
        made[..., start:stop] = part[..., start - first : stop - first]


def _samples(x: Tensor, reach: Span) -> int:
    """Return the length of a tile."""
    return max(TILE_BYTES // (x.shape[1] * x.itemsize), LEAST_REACHES * (reach.last - reach.first))
