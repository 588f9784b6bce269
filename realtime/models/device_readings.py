"""The devices that models run on, as they are now: the processor, and each CUDA device.

Their numbers are CUDA's, so `cuda:0` is the device that torch means by it. NVML tells what other
processes take of it too.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.acceleration import cuda_driver
from realtime.acceleration.machine import processor_name
from realtime.models.nvidia import NvidiaGpu, NvidiaReader
from realtime.models.process_memory import capacity_bytes, free_bytes

logger = logging.getLogger(__name__)

PROCESSOR = "cpu"
PROCESSOR_TIMES = Path("/proc/stat")
IDLE, WAITING = 3, 4  # the places of idle times among the times of the processor


@dataclass(frozen=True)
class Device:
    """A device and its memory; what is not known is None."""

    id: str  # cpu, cuda:0
    name: str
    total_bytes: int | None
    used_bytes: int | None
    free_bytes: int | None
    utilization: float | None  # percent
    temperature_c: float | None
    power_w: float | None
    driver: str | None

    @property
    def percent(self) -> float | None:
        """Return the part of the memory that is in use."""
        if not self.total_bytes or self.used_bytes is None:
            return None
        return round(100 * self.used_bytes / self.total_bytes, 1)


ReadDevices = Callable[[], Sequence[Device]]


def forgiving(read: ReadDevices) -> ReadDevices:
    """Make a reader that lists no device where reading fails: then loads go on without figures."""

    def read_or_nothing() -> Sequence[Device]:
        try:
            return read()
        except Exception:  # a driver's library: whatever it raises
            logger.exception("the devices cannot be read")
            return []

    return read_or_nothing


class DeviceReader:
    """The reader of this machine's devices; it blocks, and keeps the driver open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # several threads may ask
        self._nvidia = NvidiaReader()
        self._load = ProcessorLoad()
        self._name = processor_name()
        self._uuids: list[str] | None = None
        self._driver_hangs = False

    def read(self) -> list[Device]:
        with self._lock:
            return [self._processor(), *self._cuda_devices()]

    def close(self) -> None:
        self._nvidia.close()

    def _processor(self) -> Device:
        total, free = capacity_bytes(), free_bytes()
        used = None if total is None or free is None else max(0, total - free)
        load = self._load.percent()
        return Device(PROCESSOR, self._name, total, used, free, load, None, None, None)

    def _cuda_devices(self) -> list[Device]:
        """Ask the driver; one that did not answer in time is not asked again: loads wait for it."""
        if self._driver_hangs:
            return []
        found = cuda_driver.answer_in_time(self._ask_driver)
        self._driver_hangs = found is None
        return found or []

    def _ask_driver(self) -> list[Device]:
        if self._uuids is None:
            self._uuids = cuda_driver.device_uuids()
        driver = self._nvidia.read() if self._uuids else None
        gpus = {gpu.uuid: gpu for gpu in driver.gpus} if driver else {}
        version = driver.version if driver else None
        return [
            _cuda_device(number, gpus.get(uuid), version) for number, uuid in enumerate(self._uuids)
        ]


class ProcessorLoad:
    """The load of all cores between one look and the next."""

    def __init__(self, times: Path = PROCESSOR_TIMES) -> None:
        self._times = times
        self._before = self._read()

    def percent(self) -> float | None:
        """Return the busy share of the time since the last look; None where too little passed."""
        before, self._before = self._before, self._read()
        busy, total = (now - then for now, then in zip(self._before, before, strict=True))
        return round(100 * busy / total, 1) if total > 0 else None

    def _read(self) -> tuple[int, int]:
        """Read the busy and all ticks of the machine since its start."""
        try:
            first = self._times.read_text(encoding="ascii").partition("\n")[0]
        except OSError:
            return 0, 0
        ticks = [int(tick) for tick in first.split()[1:9]]
        return sum(ticks) - ticks[IDLE] - ticks[WAITING], sum(ticks)


def _cuda_device(number: int, gpu: NvidiaGpu | None, driver: str | None) -> Device:
    """Describe a device by what NVML says, else by what torch says where it runs already."""
    gpu = gpu or _gpu_by_torch(number)
    total, free = gpu.total_bytes, gpu.free_bytes
    if total is None or free is None:
        by_torch = _gpu_by_torch(number)
        total, free = by_torch.total_bytes, by_torch.free_bytes
    used = None if total is None or free is None else total - free
    return Device(
        id=f"cuda:{number}",
        name=gpu.name,
        total_bytes=total,
        used_bytes=used,
        free_bytes=free,
        utilization=gpu.utilization,
        temperature_c=gpu.temperature_c,
        power_w=gpu.power_w,
        driver=driver,
    )


def _gpu_by_torch(number: int) -> NvidiaGpu:
    """Ask torch where it uses CUDA already: it would open the device, which takes memory."""
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return NvidiaGpu(f"CUDA device {number}", None, None)
    free, total = cuda.mem_get_info(number)
    return NvidiaGpu(cuda.get_device_properties(number).name, int(total), int(free))
