"""The NVIDIA driver of this machine and its GPUs, as NVML tells it: without torch, without CUDA.

NVML is a library of the driver. It lists every GPU, also those that CUDA_VISIBLE_DEVICES hides.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from realtime.engines.valle.cuda_driver import answer_in_time

LIBRARY = "libnvidia-ml.so.1"
NAME_BYTES = 96  # as NVML's header has it
VERSION_BYTES = 80
MOST_GPUS = 64


@dataclass(frozen=True)
class NvidiaGpu:
    """A GPU; sizes are None where the driver does not tell them."""

    name: str
    total_bytes: int | None
    free_bytes: int | None


@dataclass(frozen=True)
class NvidiaDriver:
    version: str  # such as "580.65.06"
    cuda: str | None  # the newest CUDA that it can run, such as "13.0"
    gpus: tuple[NvidiaGpu, ...]


class _Memory(ctypes.Structure):
    """NVML's nvmlMemory_t."""

    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


def read_driver() -> NvidiaDriver | None:
    """Ask the driver; None where there is none, or where it does not answer in time."""
    return answer_in_time(_ask)


def _ask() -> NvidiaDriver | None:
    try:
        with _opened() as library:
            version = _text(library.nvmlSystemGetDriverVersion, VERSION_BYTES)
            return NvidiaDriver(version, _cuda(library), tuple(_gpus(library)))
    except (OSError, AttributeError, ValueError):  # no library, another one, or it refuses
        return None


@contextmanager
def _opened() -> Iterator[Any]:
    library = ctypes.CDLL(LIBRARY)
    _check(library.nvmlInit_v2())
    try:
        yield library
    finally:
        library.nvmlShutdown()


def _gpus(library: Any) -> Iterator[NvidiaGpu]:
    count = ctypes.c_uint()
    _check(library.nvmlDeviceGetCount_v2(ctypes.byref(count)))
    for number in range(min(count.value, MOST_GPUS)):
        handle, memory = ctypes.c_void_p(), _Memory()
        if library.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(handle)):
            continue  # one that fell off the bus
        name = _text(library.nvmlDeviceGetName, NAME_BYTES, handle)
        # It fails where a GPU shares the processor's memory, and in parts of a divided GPU.
        unknown = library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
        sizes = (None, None) if unknown else (memory.total, memory.free)
        yield NvidiaGpu(name, *sizes)


def _cuda(library: Any) -> str | None:
    version = ctypes.c_int()
    if library.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(version)):
        return None
    return f"{version.value // 1000}.{version.value % 1000 // 10}"  # 12040 is 12.4


def _text(function: Any, size: int, *arguments: Any) -> str:
    buffer = ctypes.create_string_buffer(size)
    _check(function(*arguments, buffer, ctypes.c_uint(size)))
    return buffer.value.decode("utf-8", "replace")


def _check(status: int) -> None:
    if status:
        raise ValueError(f"NVML answers {status}")
