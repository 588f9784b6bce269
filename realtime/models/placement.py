"""The choice of the device for a model that is about to be loaded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from realtime.engines.contract import Engine
from realtime.engines.placeable import AUTO, CPU, CUDA, Placeable, with_number
from realtime.errors import BadRequest, NoRoom, SettingsError, shortlist
from realtime.models.device_readings import Device, ReadDevices
from realtime.models.memory_room import MemoryRoom, Need
from realtime.models.model_state import device_of
from realtime.settings import Settings

DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")
WITH_DEVICE = re.compile(rf"(.+)@({DEVICE.pattern})")
Estimate = Callable[[str], int]  # of the bytes on a device; it looks at files


@dataclass(frozen=True)
class DeviceOrder:
    """The devices on which a model is tried, and why a better one is not among them."""

    devices: list[str]
    reason: str | None = None


class Placement:
    """The chooser of devices: `auto` is the GPU with most free memory that has room, else the CPU.

    Without a reader of the devices an engine runs where it says itself, and no room is made.
    """

    def __init__(self, read: ReadDevices | None, room: MemoryRoom | None) -> None:
        self._read = read
        self._room = room

    async def check(self, engine: Engine, device: str) -> None:
        """Refuse a device that is not there, or on which the engine cannot run."""
        there = [found.id for found in await self._devices()] or [CPU]
        fits = any(is_on(each, device) for each in there)
        if not DEVICE.fullmatch(device) or not fits:
            raise _no_device(f"There is no device {device[:20]!r}; there are: {shortlist(there)}.")
        if not isinstance(engine, Placeable):
            own = await asyncio.to_thread(device_of, engine)
            if not is_on(own, device):
                raise _no_device(f"The engine {engine.name!r} runs on {own} only.")

    async def order(self, id: str, engine: Engine, asked: str, estimate: Estimate) -> DeviceOrder:
        """List the devices on which to try a model, the best one first."""
        if not isinstance(engine, Placeable):
            return DeviceOrder([await asyncio.to_thread(device_of, engine)])
        wanted = asked if asked != AUTO else await asyncio.to_thread(engine.wanted_device)
        if wanted not in (AUTO, CUDA):
            return DeviceOrder([wanted])
        if self._read is None:
            own = await asyncio.to_thread(device_of, engine)
            return DeviceOrder([own if wanted == AUTO else with_number(wanted)])
        gpus = await self._gpus()
        there = await self._with_room(gpus, id, estimate)
        if wanted == AUTO:
            full = f"there is no room on {', '.join(gpu.id for gpu in gpus)}"
            return DeviceOrder([*there, CPU], full if gpus and not there else None)
        # Where none has room the load says what is in the way; where none is, the engine says so.
        return DeviceOrder(there or [*(gpu.id for gpu in gpus), with_number(CUDA)][:1])

    async def others(self, tried: Sequence[str]) -> list[str]:
        """List the GPUs that were not tried, the one with most free memory first."""
        return [gpu.id for gpu in await self._gpus() if gpu.id not in tried]

    @asynccontextmanager
    async def reserved(
        self, id: str, devices: Sequence[str], estimate: Estimate
    ) -> AsyncIterator[str]:
        """Make room on the first of these devices that has it, and count it as taken meanwhile.

        Only on the last one it waits for a model in use.
        """
        async with AsyncExitStack() as stack:
            for device in devices:
                is_last = device == devices[-1]
                try:
                    if self._room is not None:
                        need = Need(id, device, await asyncio.to_thread(estimate, device))
                        await stack.enter_async_context(self._room.reserved(need, is_last))
                    break
                except NoRoom:
                    if is_last:
                        raise
            yield device

    async def free(self, device: str) -> None:
        """Unload what nobody uses on a device."""
        if self._room is not None:
            await self._room.free(device)

    async def _with_room(self, gpus: Sequence[Device], id: str, estimate: Estimate) -> list[str]:
        """List the GPUs with room for a model: first those where nothing has to go for it."""
        assert self._room is not None, "where devices are read there is room to be made"
        now, later = [], []
        for gpu in gpus:
            need = Need(id, gpu.id, await asyncio.to_thread(estimate, gpu.id))
            if await self._room.lacking(need) <= 0:
                now.append(gpu.id)
            elif await self._room.lacking(need, without_unused=True) <= 0:
                later.append(gpu.id)
        return now + later

    async def _gpus(self) -> list[Device]:
        gpus = [device for device in await self._devices() if device.id != CPU]
        return sorted(gpus, key=lambda gpu: -(gpu.free_bytes or 0))

    async def _devices(self) -> Sequence[Device]:
        return [] if self._read is None else await asyncio.to_thread(self._read)


def is_on(device: str, wanted: str) -> bool:
    """Tell whether a device is the wanted one: `cuda` is any GPU, `auto` is any device."""
    return wanted in (AUTO, device) or (wanted == CUDA and device.startswith(CUDA))


def split_device(id: str) -> tuple[str, str]:
    """Split `kokoro@cuda:0` into the id and the device; without one that is `auto`."""
    found = WITH_DEVICE.fullmatch(id)
    return (found[1], found[2]) if found else (id, AUTO)


def check_settings(settings: Settings) -> None:
    """Refuse devices in the settings that can be none."""
    named = {"gpu.device": settings.gpu.device}
    named |= {f"models.devices: {id}": device for id, device in settings.models.devices.items()}
    for name, device in named.items():
        if not isinstance(device, str) or not DEVICE.fullmatch(device):
            raise SettingsError(
                f"{name} is {device!r}; allowed is auto, cpu, cuda or cuda:0.",
                field=name.partition(": ")[0],
            )


def _no_device(message: str) -> BadRequest:
    return BadRequest(message, code="unknown_device", field="device")
