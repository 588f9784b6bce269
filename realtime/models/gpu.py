"""The GPU of this machine, found without loading torch."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Gpu:
    name: str | None
    memory: str | None  # in words: "139.00 GB"; the driver's list does not have it


def find_gpu(driver: Path = DRIVER) -> Gpu | None:
    """Find the first GPU: by torch if it is loaded already, else in the driver's list."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return _by_driver(driver) if cuda is None else _by_torch(cuda)


def _by_torch(cuda: Any) -> Gpu | None:
    if not cuda.is_available():
        return None
    found = cuda.get_device_properties(0)
    return Gpu(found.name, f"{found.total_memory / 2**30:.2f} GB")


def _by_driver(driver: Path) -> Gpu | None:
    for information in sorted(driver.glob("*/information")):
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
        return Gpu(names[0] if names else None, None)
    return None
