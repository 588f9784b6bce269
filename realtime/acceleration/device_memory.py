"""The memory of a device: errors when it ends, how much is free, how much may be taken."""

from __future__ import annotations

import gc
import traceback
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.out_of_memory import is_out_of_memory as is_out_of_memory
from realtime.acceleration.torch_modes import with_index
from realtime.errors import BadRequest

if TYPE_CHECKING:
    import torch

In = TypeVar("In")
Out = TypeVar("Out")


def unless_out_of_memory(run: Callable[[In], Out], inputs: In) -> Out | None:
    """Return what a run gives; None when memory was not enough, and then nothing of it is held."""
    try:
        return run(inputs)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    return None


def release_frames(error: BaseException | None) -> None:
    """Release the variables of the calls that ended with an error: their tracebacks hold them."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def clear(device: torch.device) -> None:
    """Give back what torch holds of a device's memory and does not use."""
    import torch

    with DEVICE_LOCK.working():  # giving memory back spoils a capture, and a capture refuses it
        gc.collect()
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.empty_cache()


def limit(fraction: float, device: torch.device | str) -> bool:
    """Let this process take no more than a part of a GPU's memory; return whether there is one."""
    import torch

    if not 0 < fraction <= 1:
        raise BadRequest(f"A part of a device's memory lies between 0 and 1, not at {fraction}.")
    if torch.device(device).type != "cuda" or not torch.cuda.is_available():
        return False
    torch.cuda.set_per_process_memory_fraction(float(fraction), with_index(device).index)
    return True


class GraphMemory(Protocol):
    """Memory that torch holds for CUDA graphs alone."""

    device: torch.device
    known: int  # bytes, when they were last looked at


_pools: weakref.WeakSet[GraphMemory] = weakref.WeakSet()


def count_as_taken(pool: GraphMemory) -> None:
    """Count a pool of CUDA graphs as taken for as long as it exists."""
    _pools.add(pool)


def free_bytes(device: torch.device) -> int:
    """Count the bytes that a run could take: those free in the driver, and torch's unused ones.

    What lies unused in a pool of CUDA graphs does not count: only the graphs can use it.
    """
    import torch

    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    pooled = sum(pool.known for pool in list(_pools) if pool.device == device)
    return int(torch.cuda.mem_get_info(device)[0]) + max(0, unused - pooled)


def reserved_bytes(device: torch.device) -> int:
    """Count the bytes that torch holds of a device's memory."""
    import torch

    return torch.cuda.memory_reserved(device) if device.type == "cuda" else 0
