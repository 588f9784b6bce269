"""The memory that a load takes: of the processor or, for an engine on a GPU, of that device."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.engines.placeable import REMOTE
from realtime.models.process_memory import resident_bytes


@dataclass(frozen=True)
class MemoryReading:
    """Bytes that this process holds at one moment.

    For each GPU they are torch's: those of its tensors, and all that it holds for them.
    """

    resident: int
    devices: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def taken_since(self, before: MemoryReading, device: str) -> int:
        """Count the bytes that were taken of a device since an earlier reading.

        Memory that torch held without using it is taken by the tensors put there, so the larger
        growth counts. A GPU that torch does not list is measured as the processor is. A model
        that a server elsewhere has takes nothing here.
        """
        if device == REMOTE:
            return 0
        if device not in self.devices:
            return self.resident_since(before)
        now, then = self.devices[device], before.devices.get(device, (0, 0))
        return max(0, *(after - earlier for after, earlier in zip(now, then, strict=True)))

    def resident_since(self, before: MemoryReading) -> int:
        """Count the bytes by which the process grew since an earlier reading."""
        return max(0, self.resident - before.resident)


def give_memory_back() -> None:
    """Collect what is not used any more, and give torch's unused memory back to the GPUs."""
    gc.collect()
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is not None and cuda.is_initialized():
        with DEVICE_LOCK.working():  # giving memory back spoils a capture, and a capture refuses it
            cuda.empty_cache()


def read_memory_in_use() -> MemoryReading:
    """Read what this process holds now; torch is asked only where something has loaded it."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    devices = {}
    if cuda is not None and cuda.is_available():
        for number in range(cuda.device_count()):
            devices[f"cuda:{number}"] = (
                int(cuda.memory_allocated(number)),
                int(cuda.memory_reserved(number)),
            )
    return MemoryReading(resident_bytes(), devices)
