"""Which GPU there is, told without loading what would use it; it knows no engine."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Gpu:
    name: str | None
    memory: str | None


def find_gpu(driver: Path = DRIVER) -> Gpu | None:
    """The first GPU: as torch sees it when torch is here already, else as the driver lists it."""
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
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
        return Gpu(models[0] if models else None, None)
    return None
