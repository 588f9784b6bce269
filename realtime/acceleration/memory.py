"""The memory of a device: whether it ran out, what is held, what may be taken; it knows no plan."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from realtime.errors import BadRequest

if TYPE_CHECKING:
    import torch

# What a CPU's allocator says, which raises no type of its own.
OUT_OF_MEMORY_WORDS = ("can't allocate memory", "out of memory", "bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or what it came of, says that memory was not enough."""
    import torch

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError | torch.OutOfMemoryError):
            return True
        if isinstance(seen, RuntimeError) and any(w in str(seen) for w in OUT_OF_MEMORY_WORDS):
            return True
        seen = seen.__cause__
    return False


def clear(device: torch.device) -> None:
    """Give back what torch holds of a device's memory and does not use."""
    import torch

    gc.collect()
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.empty_cache()


def limit(fraction: float, device: torch.device | str) -> bool:
    """Let this process take no more than a part of a GPU's memory; whether there is one."""
    import torch

    if not 0 < fraction <= 1:
        raise BadRequest(f"A part of a device's memory lies between 0 and 1, not at {fraction}.")
    found = torch.device(device)
    if found.type != "cuda" or not torch.cuda.is_available():
        return False
    torch.cuda.set_per_process_memory_fraction(fraction, found)
    return True


def reserved(device: torch.device) -> int:
    """Bytes that torch holds of a device's memory."""
    import torch

    return torch.cuda.memory_reserved(device) if device.type == "cuda" else 0
