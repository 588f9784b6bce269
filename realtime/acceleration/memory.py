"""The memory of a device: whether it ran out, what is held, what may be taken; it knows no plan."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from realtime.errors import BadRequest
from realtime.networks.shortage import is_out_of_memory as is_out_of_memory

if TYPE_CHECKING:
    import torch


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
