"""The clean-up of models: idle ones are unloaded, and unused ones where memory runs out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from realtime.engines.contract import Engine
from realtime.models.device_readings import Device
from realtime.models.loaded import LoadedModels
from realtime.models.memory_monitor import MemoryMonitor
from realtime.models.memory_room import next_to_go
from realtime.models.model import LoadedModel
from realtime.models.placement import split_device
from realtime.settings import GpuSettings

logger = logging.getLogger(__name__)

RESTING_SECONDS = 30.0  # that a model was unused, before pressure alone unloads it


@dataclass(frozen=True)
class Optimised:
    """The outcome of a clean-up by hand."""

    unloaded: list[str]
    freed_bytes: int
    took_ms: float


class Cleanup:
    """The loop that unloads by itself, and the clean-up that is asked for."""

    def __init__(
        self,
        settings: GpuSettings,
        kept: Collection[str],
        models: LoadedModels,
        monitor: MemoryMonitor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make it, not running; the `kept` models are not unloaded for being idle."""
        self.enabled = settings.auto_cleanup_enabled
        self.threshold_percent = settings.cleanup_threshold_percent
        self.idle_seconds = 60 * settings.idle_timeout_minutes
        self._every = settings.memory_monitoring_interval
        self._kept = frozenset(split_device(id)[0] for id in kept)
        self._models = models
        self._monitor = monitor
        self._clock = clock

    def change(
        self,
        enabled: bool | None = None,
        idle_minutes: float | None = None,
        threshold_percent: float | None = None,
    ) -> None:
        """Change the rules; None leaves one as it is."""
        if enabled is not None:
            self.enabled = enabled
        if idle_minutes is not None:
            self.idle_seconds = 60 * idle_minutes
        if threshold_percent is not None:
            self.threshold_percent = threshold_percent

    async def run(self) -> None:
        """Look again and again; what fails is told, and the next look comes all the same."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.look()
            except Exception:
                logger.exception("the clean-up of models failed")

    async def look(self) -> None:
        """Unload what is idle, then what is unused on devices that are nearly full."""
        if not self.enabled:
            return
        for model in self._models.unused():
            left = self.unloads_in(model)
            if left is not None and left <= 0:
                await self._unload(model, "idle")
        status = await self._monitor.status()
        for device in status.devices if status else ():
            await self._relieve(device)

    def unloads_in(self, model: LoadedModel[Engine]) -> float | None:
        """Tell the seconds until a model is unloaded for being idle; None if it is not."""
        kept = not self._kept.isdisjoint((model.id, model.engine.name))
        if not self.enabled or model.state != "loaded" or kept or not model.is_free:
            return None
        return max(0.0, self.idle_seconds - (self._clock() - model.last_used))

    async def optimise(self) -> Optimised:
        """Unload every model that nobody uses."""
        started = time.perf_counter()
        unloaded, freed = [], 0
        for model in self._models.unused():
            held = model.memory_bytes or 0
            if await self._unload(model, "asked for"):
                unloaded.append(model.id)
                freed += held
        took = round(1000 * (time.perf_counter() - started), 1)
        return Optimised(unloaded, freed, took)

    async def _relieve(self, device: Device) -> None:
        """Unload one model of a device that is too full; the next look sees what that brought."""
        if device.percent is None or device.percent < self.threshold_percent:
            return
        resting = [
            model
            for model in self._models.unused()
            if self._clock() - model.last_used >= RESTING_SECONDS
        ]
        model = next_to_go(resting, device.id)
        if model is not None:
            await self._unload(model, f"{device.percent:g} % of {device.id} in use")

    async def _unload(self, model: LoadedModel[Engine], reason: str) -> bool:
        """Unload a model; return False where somebody began to use it."""
        if not model.is_free or model.state != "loaded":
            return False
        await model.unload(reason=reason)
        self._models.events.add("cleaned", model.id, model.device, reason)
        return True
