"""The monitor of memory: one sampler that reads the devices, remembers, and raises alerts."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from realtime.change_event import ChangeEvent
from realtime.models.device_readings import PROCESSOR, Device, ReadDevices
from realtime.models.memory_alerts import MemoryAlerts

logger = logging.getLogger(__name__)

HISTORY_MINUTES = 60.0
SLOW_SECONDS = 10.0  # without an answer of the devices: the last reading is told to be old


@dataclass(frozen=True)
class SystemMemory:
    """The memory of the machine, or of the container."""

    total: int | None
    used: int | None
    available: int | None
    percent: float | None


@dataclass(frozen=True)
class MemorySummary:
    """The memory of all GPUs together."""

    gpu_count: int
    gpu_used_bytes: int
    gpu_free_bytes: int


@dataclass(frozen=True)
class MemoryStatus:
    """The memory at one moment."""

    time_ms: int
    system: SystemMemory
    devices: list[Device]
    summary: MemorySummary


@dataclass(frozen=True, slots=True)
class DevicePoint:
    """The figures of a device at a moment of the past."""

    used_bytes: int | None
    percent: float | None
    utilization: float | None
    temperature_c: float | None


@dataclass(frozen=True, slots=True)
class MemoryPoint:
    """A moment of the past: the figures of each device by its id."""

    time_ms: int
    devices: dict[str, DevicePoint]


@dataclass(frozen=True)
class Statistics:
    """The use of a device's memory over the history, in percent."""

    least: float
    mean: float
    most: float


class MemoryMonitor:
    """The sampler of the devices; it is started and stopped on one loop.

    Without it running, `status` reads the devices when it is asked.
    """

    def __init__(
        self,
        read: ReadDevices,
        interval: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.interval = interval
        self.changed = ChangeEvent()  # with each sample
        self.alerts = MemoryAlerts()
        self._read = read
        self._clock = clock
        most = math.ceil(60 * HISTORY_MINUTES / interval) + 1
        self._points: deque[MemoryPoint] = deque(maxlen=most)
        self._last: MemoryStatus | None = None
        self._reading: asyncio.Task[Sequence[Device]] | None = None
        self._sampling: asyncio.Task[None] | None = None
        self._failing = False

    @property
    def running(self) -> bool:
        return self._sampling is not None

    def start(self) -> None:
        """Sample from now on, also when it did so already."""
        if self._sampling is None:
            self._sampling = asyncio.create_task(self._sample_for_ever())

    async def stop(self) -> None:
        """Stop sampling; the history stays."""
        if self._sampling is not None:
            self._sampling.cancel()
            await asyncio.gather(self._sampling, return_exceptions=True)
            self._sampling = None

    async def status(self) -> MemoryStatus | None:
        """Return the newest reading; None where the devices have never answered."""
        if not self.running or self._last is None:
            await self.sample()
        return self._last

    def history(self, minutes: float = HISTORY_MINUTES) -> list[MemoryPoint]:
        """Return the points of the last minutes, the oldest first."""
        since = 1000 * (self._clock() - 60 * minutes)
        return [point for point in self._points if point.time_ms >= since]

    def statistics(self) -> dict[str, Statistics]:
        """Return the least, mean and most use of each device over the history."""
        found: dict[str, list[float]] = {}
        for point in self._points:
            for device, figures in point.devices.items():
                if figures.percent is not None:
                    found.setdefault(device, []).append(figures.percent)
        return {
            device: Statistics(min(used), round(math.fsum(used) / len(used), 1), max(used))
            for device, used in found.items()
        }

    def clear_history(self) -> None:
        self._points.clear()

    async def sample(self) -> None:
        """Read the devices once; a failure is told in the log, and the last reading stays."""
        try:
            devices = await self._read_devices()
        except Exception:  # a driver's library: whatever it raises, the server goes on
            if not self._failing:  # told once, not at every turn
                logger.exception("the devices cannot be read")
            self._failing = True
            return
        self._failing = False
        now = round(1000 * self._clock())
        self._last = MemoryStatus(now, _system(devices), devices, _summary(devices))
        self._points.append(MemoryPoint(now, {device.id: _point(device) for device in devices}))
        self.alerts.check(devices, now)
        self.changed.announce()

    async def _read_devices(self) -> list[Device]:
        """Read in a thread; a driver that hangs holds up one thread, and no more of them."""
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(self._read))
            self._reading.add_done_callback(self._forget_reading)
        # No `wait_for`: before Python 3.12 it loses a cancellation that comes with the result, and
        # the server would wait for the end of the sampler for ever when it stops.
        async with asyncio.timeout(SLOW_SECONDS):
            return list(await asyncio.shield(self._reading))

    def _forget_reading(self, reading: asyncio.Task[Sequence[Device]]) -> None:
        self._reading = None
        if not reading.cancelled():
            reading.exception()  # it was told to who waited, or nobody waits any more

    async def _sample_for_ever(self) -> None:
        while True:
            await self.sample()
            await asyncio.sleep(self.interval)


def _point(device: Device) -> DevicePoint:
    return DevicePoint(device.used_bytes, device.percent, device.utilization, device.temperature_c)


def _system(devices: list[Device]) -> SystemMemory:
    for device in devices:
        if device.id == PROCESSOR:
            return SystemMemory(
                device.total_bytes, device.used_bytes, device.free_bytes, device.percent
            )
    return SystemMemory(None, None, None, None)


def _summary(devices: list[Device]) -> MemorySummary:
    gpus = [device for device in devices if device.id != PROCESSOR]
    return MemorySummary(
        gpu_count=len(gpus),
        gpu_used_bytes=sum(gpu.used_bytes or 0 for gpu in gpus),
        gpu_free_bytes=sum(gpu.free_bytes or 0 for gpu in gpus),
    )
