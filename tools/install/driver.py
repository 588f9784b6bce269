"""The NVIDIA driver, looked for without any library of CUDA."""

from __future__ import annotations

import ctypes.util
from pathlib import Path

SIGNS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/usr/lib/wsl/lib/libcuda.so.1")


def found(signs: tuple[str, ...] = SIGNS) -> bool:
    """Tell whether this machine has a driver; inside WSL it lies in a folder of its own."""
    return any(Path(sign).exists() for sign in signs) or bool(ctypes.util.find_library("cuda"))
