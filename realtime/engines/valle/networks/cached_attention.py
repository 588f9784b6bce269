"""How a step hears its cache: as torch attends, or on a GPU by kernels for one query a line."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from realtime.acceleration.kernel_check import LARGEST_ERROR, relative_error

logger = logging.getLogger(__name__)

# From queries (lines, heads, 1, size), keys and values (slots, heads, room, size), each line's
# place, and the places that are looked at, to what was heard up to each line's place.
CachedAttention = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def masked(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor) -> Tensor:
    """Everything up to the last row is read, whatever a line has of it."""
    count, span = places.shape[0], rows.shape[0]
    seen = (rows <= places[:, None])[:, None, None]
    return functional.scaled_dot_product_attention(
        q, keys[:count, :, :span], values[:count, :, :span], attn_mask=seen
    )


def quickest(device: torch.device, kind: torch.dtype, heads: int, size: int) -> CachedAttention:
    """The kernels, once they were right on this device; else what torch does."""
    if device.type != "cuda":
        return masked
    try:
        share = tried(kernels(), device, kind, heads, size)
        if share <= LARGEST_ERROR[kind]:
            return kernels()
        reason = f"in {kind} they err by {share:.2g} of what is heard"
    except Exception as error:  # noqa: BLE001 -- whatever a compiler raises, torch attends
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
    logger.warning("the kernels of a step cannot be used: %s", reason)
    return masked


@functools.cache
def kernels() -> CachedAttention:
    """Triton is there only where there is a GPU."""
    from realtime.engines.valle.networks.cached_attention_triton import decoded

    def heard(q: Tensor, keys: Tensor, values: Tensor, places: Tensor, rows: Tensor) -> Tensor:
        found: Tensor = decoded(q, keys, values, places)
        return found

    return heard


def tried(
    form: CachedAttention, device: torch.device, kind: torch.dtype, heads: int, size: int
) -> float:
    """How far a form is from what torch does in full floats, as a part of it."""
    random = torch.Generator().manual_seed(0)
    places = torch.tensor([0, 1, 63, 64, 199, 130], device=device)
    rows = torch.arange(200, device=device)
    shapes = [(len(places), heads, 1, size)] + 2 * [(len(places) + 1, heads, len(rows), size)]
    q, keys, values = (torch.randn(shape, generator=random).to(device, kind) for shape in shapes)
    exact = masked(q.float(), keys.float(), values.float(), places, rows)
    # Nobody may so much as weigh what lies beyond a line's place.
    for line, place in enumerate(places.tolist()):
        keys[line, :, place + 1 :] = values[line, :, place + 1 :] = torch.nan
    return relative_error(form(q, keys, values, places, rows), exact)
