"""The facts that a built engine depends on: the network, the machine, the libraries."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

DRIVER = Path("/proc/driver/nvidia/version")
CPU_INFO = Path("/proc/cpuinfo")
BF16_FLAGS = ("amx_bf16", "avx512_bf16")  # with one of them bf16 is quicker than fp32


def network_digest(module: nn.Module) -> str:
    """Compute a digest of a module: of its structure, its code and every value it holds.

    Its code is that of its classes and of all files in their folders: `forward` may call functions
    of other files, those of a kernel for example, and no class tells which.
    """
    import torch

    found = hashlib.sha256(repr(module).encode())
    classes = list(dict.fromkeys(type(part) for part in module.modules()))
    for cls in classes:
        found.update(_source(cls).encode())
    for folder in sorted({folder for cls in classes if (folder := _folder(cls)) is not None}):
        for path in sorted(folder.glob("*.py")):
            found.update(path.name.encode() + path.read_bytes())
    for name, value in module.state_dict().items():
        found.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        plain = value.detach().cpu().contiguous().reshape(-1)
        found.update(plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
    return found.hexdigest()


def machine_facts(device: torch.device, driver: Path = DRIVER) -> dict[str, str]:
    """Name what a measurement or an engine of this machine depends on."""
    import torch

    found = {"torch": str(torch.__version__)}
    if device.type != "cuda":
        return {**found, "processor": processor_name(), "threads": str(torch.get_num_threads())}
    card = torch.cuda.get_device_properties(device)
    found["gpu"] = f"{card.name} {card.major}.{card.minor}"
    found["cuda"] = str(torch.version.cuda)
    found["driver"] = driver.read_text().splitlines()[0] if driver.is_file() else "unknown"
    return found


def processor_name(path: Path = CPU_INFO) -> str:
    """Return the processor's name, as far as the system tells it."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def has_fast_bf16(cpu_info: Path = CPU_INFO) -> bool:
    try:
        flags = cpu_info.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return any(flag in flags for flag in BF16_FLAGS)


def package_version(package: str) -> str | None:
    """Return a package's version; None when it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _source(cls: type) -> str:
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        return f"{cls.__module__}.{cls.__qualname__}"


def _folder(cls: type) -> Path | None:
    """Return the folder of a class's file; None for torch, which its version stands for."""
    package = cls.__module__.partition(".")[0]
    path = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return None if package == "torch" or path is None else Path(path).parent
