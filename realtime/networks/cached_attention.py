"""Attention of one step over the cache: by torch, or on a GPU by Triton kernels."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from realtime.acceleration.kernel_check import LARGEST_ERROR, relative_error

logger = logging.getLogger(__name__)

# From queries (lines, heads, 1, size), keys and values (slots, heads, places, size), each line's
# place, and the rows that are read, to the attention's output up to each line's place.
CachedAttention = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def masked_attention(
    q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor
) -> Tensor:
    """Attend by torch: every row is read, and those beyond a line's place are masked."""
    count, span = places.shape[0], rows.shape[0]
    seen = (rows <= places[:, None])[:, None, None]
    return functional.scaled_dot_product_attention(
        q, keys[:count, :, :span], values[:count, :, :span], attn_mask=seen
    )


def choose_attention(
    device: torch.device, dtype: torch.dtype, heads: int, size: int
) -> CachedAttention:
    """Return the kernels if a trial on this device shows them right, else torch's attention."""
    if device.type != "cuda":
        return masked_attention
    try:
        error = trial_error(load_kernels(), device, dtype, heads, size)
        if error <= LARGEST_ERROR[dtype]:
            return load_kernels()
        reason = f"in {dtype} they err by {error:.2g} of the output"
    except Exception as exception:  # noqa: BLE001 -- whatever a compiler raises, torch attends
        first_line = str(exception).strip().partition("\n")[0]
        reason = first_line[:200] or type(exception).__name__
    logger.warning("the kernels of a step cannot be used: %s", reason)
    return masked_attention


@functools.cache
def load_kernels() -> CachedAttention:
    """Import the Triton kernels; Triton is installed only where there is a GPU."""
    from realtime.networks.cached_attention_triton import attend_cache

    def attention(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor) -> Tensor:
        output: Tensor = attend_cache(q, keys, values, places)
        return output

    return attention


def trial_error(
    attention: CachedAttention, device: torch.device, dtype: torch.dtype, heads: int, size: int
) -> float:
    """Return how far an attention is from torch's in fp32, as a share of the output.

    The lines' places are at the edges of a kernel's tile of 64 and between them.
    """
    generator = torch.Generator().manual_seed(0)
    places = torch.tensor([0, 1, 63, 64, 199, 130], device=device)
    rows = torch.arange(200, device=device)
    shapes = [(len(places), heads, 1, size)] + 2 * [(len(places) + 1, heads, len(rows), size)]
    q, keys, values = (
        torch.randn(shape, generator=generator).to(device, dtype) for shape in shapes
    )
    exact = masked_attention(q.float(), keys.float(), values.float(), places, rows)
    # NaN beyond each line's place: a kernel that reads it, even with weight 0, gives NaN.
    for line, place in enumerate(places.tolist()):
        keys[line, :, place + 1 :] = torch.nan
        values[line, :, place + 1 :] = torch.nan
    return relative_error(attention(q, keys, values, places, rows), exact)
