"""The NVIDIA driver of this machine and its GPUs, as NVML tells it: without torch, without CUDA.

NVML is a library of the driver. It lists every GPU, also those that CUDA_VISIBLE_DEVICES hides.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import pynvml

from realtime.acceleration.cuda_driver import answer_in_time

T = TypeVar("T")

MOST_GPUS = 64


@dataclass(frozen=True)
class NvidiaGpu:
    """A GPU as it is now; what the driver does not tell is None."""

    name: str
    total_bytes: int | None
    free_bytes: int | None
    uuid: str | None = None  # such as "GPU-1f0c…": by it CUDA's devices are found in this list
    utilization: int | None = None  # percent of the time in which it computed
    temperature_c: int | None = None
    power_w: float | None = None


@dataclass(frozen=True)
class NvidiaDriver:
    version: str  # such as "580.65.06"
    cuda: str | None  # the newest CUDA that it can run, such as "13.0"
    gpus: tuple[NvidiaGpu, ...]


class NvidiaReader:
    """NVML, opened once and asked often: opening it takes longer than all answers."""

    def __init__(self) -> None:
        self._is_open = False

    def read(self) -> NvidiaDriver | None:
        """Ask the driver; None where there is none, or where it refuses."""
        try:
            if not self._is_open:
                pynvml.nvmlInit()
                self._is_open = True
            version = pynvml.nvmlSystemGetDriverVersion()
            return NvidiaDriver(version, _cuda_version(), tuple(_gpus()))
        except (pynvml.NVMLError, OSError, UnicodeDecodeError):
            self.close()
            return None

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()


def read_driver() -> NvidiaDriver | None:
    """Ask the driver once; None where there is none, or where it does not answer in time."""
    return answer_in_time(_read_once)


def _read_once() -> NvidiaDriver | None:
    reader = NvidiaReader()
    try:
        return reader.read()
    finally:
        reader.close()


def _gpus() -> list[NvidiaGpu]:
    handles = (
        _known(pynvml.nvmlDeviceGetHandleByIndex, number)
        for number in range(min(pynvml.nvmlDeviceGetCount(), MOST_GPUS))
    )
    return [_gpu(handle) for handle in handles if handle is not None]  # None: it fell off the bus


def _gpu(handle: Any) -> NvidiaGpu:
    # Memory is unknown where a GPU shares the processor's, and in parts of a divided GPU.
    memory = _known(pynvml.nvmlDeviceGetMemoryInfo, handle)
    used = _known(pynvml.nvmlDeviceGetUtilizationRates, handle)
    milliwatts = _known(pynvml.nvmlDeviceGetPowerUsage, handle)
    return NvidiaGpu(
        name=_known(pynvml.nvmlDeviceGetName, handle) or "an NVIDIA GPU",
        total_bytes=memory.total if memory else None,
        free_bytes=memory.free if memory else None,
        uuid=_known(pynvml.nvmlDeviceGetUUID, handle),
        utilization=used.gpu if used else None,
        temperature_c=_known(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU),
        power_w=None if milliwatts is None else milliwatts / 1000,
    )


def _cuda_version() -> str | None:
    version = _known(pynvml.nvmlSystemGetCudaDriverVersion)
    # 12040 is 12.4
    return None if version is None else f"{version // 1000}.{version % 1000 // 10}"


def _known(ask: Callable[..., T], *arguments: Any) -> T | None:
    """Return an answer of NVML; None where this device or driver does not have it."""
    try:
        return ask(*arguments)
    except pynvml.NVMLError:
        return None
