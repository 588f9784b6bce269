"""Room in a device's memory for a model that is about to be loaded.

Models that nobody uses go first, those that were unused for longest before others. Loads at the
same time count each other's memory, so two of them never take the same bytes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from realtime.change_event import ChangeEvent
from realtime.errors import NoRoom, shortlist
from realtime.models.device_readings import PROCESSOR, Device, ReadDevices
from realtime.settings import GpuSettings

logger = logging.getLogger(__name__)

WAIT_SECONDS = 10.0  # for a lease to end, before a load is refused


class Evictable(Protocol):
    """A model that may be unloaded to make room."""

    id: str
    state: str
    last_used: float

    device: str  # on which it was loaded
    memory_bytes: int | None  # that it takes there
    load_seconds: float

    @property
    def users(self) -> Sequence[str]: ...

    @property
    def is_free(self) -> bool: ...

    async def unload(self, force: bool = False, reason: str | None = None) -> None: ...


EvictableT = TypeVar("EvictableT", bound=Evictable)


@dataclass(frozen=True)
class Need:
    """The memory that a model is about to take."""

    id: str
    device: str
    bytes: int


class MemoryRoom:
    """The keeper of free memory on every device."""

    def __init__(
        self,
        settings: GpuSettings,
        read: ReadDevices,
        models: Iterable[Evictable],
        users_changed: ChangeEvent,
    ) -> None:
        self._settings = settings
        self._read = read
        self._models = models
        self._changed = users_changed
        self._promised: dict[str, Need] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def reserved(self, need: Need, patient: bool = True) -> AsyncIterator[None]:
        """Make room for a model, and count its memory as taken while the block lasts.

        Where the rest is in use, only a patient one waits for a lease to end.
        """
        async with self._locks[need.device]:
            await self._make(need, WAIT_SECONDS if patient else 0.0)
            self._promised[need.id] = need
        try:
            yield
        finally:
            self._promised.pop(need.id, None)
            self._changed.announce()

    async def free(self, device: str) -> None:
        """Unload every model that nobody uses on a device."""
        while (unused := next_to_go(self._models, device)) is not None:
            await unused.unload(reason=f"memory of {device}")

    async def _make(self, need: Need, seconds: float) -> None:
        end = time.monotonic() + seconds
        while need.bytes and (lacking := await self.lacking(need)) > 0:
            unused = next_to_go(self._models, need.device)
            if unused is not None:
                logger.info("%s makes room for %s", unused.id, need.id)
                await unused.unload(reason=f"room for {need.id}")
            elif not await self._wait_for_a_change(need.device, end):
                raise self._refusal(need, lacking)

    async def lacking(self, need: Need, without_unused: bool = False) -> int:
        """Count the bytes that are missing, also if all went that nobody uses.

        None are missing where the device does not tell its memory.
        """
        devices = {device.id: device for device in await asyncio.to_thread(self._read)}
        device = devices.get(need.device)
        if device is None or device.total_bytes is None or device.used_bytes is None:
            return 0
        taken = device.used_bytes + need.bytes
        taken += sum(n.bytes for n in self._promised.values() if n.device == need.device)
        if without_unused:
            unused = (m for m in self._models if is_unused(m) and m.device == need.device)
            taken -= sum(model.memory_bytes or 0 for model in unused)
        return taken - usable_bytes(device, self._settings)

    async def _wait_for_a_change(self, device: str, end: float) -> bool:
        """Wait until a lease or a load on a device may have ended; False when none does in time."""
        used = any(model.users for model in self._models if model.device == device)
        if not used and not any(need.device == device for need in self._promised.values()):
            return False
        try:
            async with asyncio.timeout(end - time.monotonic()):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _refusal(self, need: Need, lacking: int) -> NoRoom:
        there = [m for m in self._models if m.state == "loaded" and m.device == need.device]
        used = shortlist(f"{m.id} ({len(m.users)} users)" for m in there if not m.is_free)
        return NoRoom(
            f"There is no room for {need.id!r} on {need.device}: it takes about "
            f"{need.bytes / 1e6:,.0f} MB, and {lacking / 1e6:,.0f} MB are missing. "
            f"In use there: {used or 'nothing of this server'}.",
            hint="Unload one of them, wait until it is not used, or use another device.",
            retry_after=5,
        )


def usable_bytes(device: Device, settings: GpuSettings) -> int:
    """Return how full a device may become.

    On a GPU that is a part of its memory. On the processor it is all: what other programs hold
    there is not this server's to judge.
    """
    assert device.total_bytes is not None
    if device.id == PROCESSOR:
        return device.total_bytes
    return int(device.total_bytes * settings.max_memory_usage_percent / 100)


def is_unused(model: Evictable) -> bool:
    """Tell whether a model is loaded, and nobody uses it."""
    return model.state == "loaded" and model.is_free


def next_to_go(models: Iterable[EvictableT], device: str) -> EvictableT | None:
    """Choose the model of a device that was unused for longest, the quickest to load of equals."""
    unused = [model for model in models if is_unused(model) and model.device == device]
    return min(unused, key=lambda model: (model.last_used, model.load_seconds), default=None)
