"""The loading of an engine on its lane: where it has room, and on in spite of failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from realtime.acceleration.cuda_health import CUDA_HEALTH
from realtime.engines.contract import Engine, PreparesFiles
from realtime.engines.obstacles import require_engine_block
from realtime.engines.placeable import AUTO, Placeable
from realtime.engines.placeable import CPU as PROCESSOR
from realtime.errors import NoRoom, Unavailable, YamabikoError
from realtime.models.lanes import Lane, guard_of
from realtime.models.load_memory import give_memory_back, read_memory_in_use
from realtime.models.memory_estimate import MemoryEstimates
from realtime.models.model_events import ModelEvents
from realtime.models.model_state import device_of, process_of
from realtime.models.placement import Estimate, Placement
from realtime.models.preparation import prepare_files
from realtime.models.recovery import (
    CPU,
    FREE,
    GIVE_UP,
    OTHER_DEVICE,
    RETRY,
    Action,
    LoadFailure,
    Recovery,
    mend,
)
from realtime.settings import Settings

logger = logging.getLogger(__name__)

TRY_AGAIN_SECONDS = 10.0  # for which a failed load is remembered, before a request may try again


@dataclass(frozen=True)
class LoadOutcome:
    """The device of a loaded engine, what it took there, and why it is not on a better one."""

    device: str
    memory_bytes: int
    reason: str | None


@dataclass
class _LoadInProgress:
    """A load, with the devices that are to be tried and those that were."""

    id: str
    engine: Engine
    lane: Lane
    devices: Sequence[str] = ()
    tried: list[str] = field(default_factory=list)
    reason: str | None = None

    @property
    def device(self) -> str:
        """Return the device that was tried last, or will be first."""
        if self.tried:
            return self.tried[-1]
        return self.devices[0] if self.devices else PROCESSOR


class Loader:
    """The loader of all models of a server."""

    def __init__(
        self,
        settings: Settings,
        estimates: MemoryEstimates,
        events: ModelEvents,
        placement: Placement,
        recovery: Recovery,
    ) -> None:
        self.placement = placement
        self.recovery = recovery
        self._settings = settings
        self._estimates = estimates
        self._events = events

    async def load(self, id: str, engine: Engine, lane: Lane, asked: str = AUTO) -> LoadOutcome:
        """Load an engine, on another device or once more where it fails.

        A load that fails for good leaves nothing in memory.
        """
        load = _LoadInProgress(id, engine, lane)
        try:
            return await self._load(load, asked)
        except Exception as error:
            self._events.add("failed", id, load.device, _first_line(error))
            raise

    async def _load(self, load: _LoadInProgress, asked: str) -> LoadOutcome:
        engine = load.engine
        if isinstance(engine, PreparesFiles) and await asyncio.to_thread(engine.can_prepare):
            await prepare_files(load.id, self._settings)
        require_engine_block(engine, self._settings)
        order = await self.placement.order(load.id, engine, asked, self._estimate(engine))
        load.devices, load.reason = order.devices, order.reason
        course = self.recovery.course()
        while True:
            try:
                return await self._try(load)
            except NoRoom:
                raise
            except Exception as error:
                CUDA_HEALTH.note(error)
                await _free_half_loaded(load)
                failure = LoadFailure(load.id, load.device, error)
                others = await self.placement.others(load.tried)
                action = course.next_action(failure, partial(_is_possible, load, others))
                if action == GIVE_UP or not await self._recover(load, failure, action, others):
                    raise _for_people(failure) from error

    async def _try(self, load: _LoadInProgress) -> LoadOutcome:
        """Load on the first of the devices that has room."""
        reserved = self.placement.reserved(load.id, load.devices, self._estimate(load.engine))
        async with reserved as device:
            load.tried.append(device)
            if device != load.devices[0] and load.reason is None:
                load.reason = f"there is no room on {load.devices[0]}"
            before = await asyncio.to_thread(read_memory_in_use)
            if len(load.tried) == 1:
                self._events.add("started", load.id, device)
            if isinstance(load.engine, Placeable):
                load.engine.place(device)
            load.lane.guard = guard_of(load.engine)  # that of the device where it is now
            await load.lane.call(load.engine.load)
            device = await asyncio.to_thread(device_of, load.engine)
            after = await asyncio.to_thread(read_memory_in_use)
            taken, grown = after.taken_since(before, device), after.resident_since(before)
            if (process := process_of(load.engine)) is not None:
                grown = process.memory_bytes
                taken = grown if device == PROCESSOR else process.device_bytes
            await asyncio.to_thread(self._record, load.engine, device, taken, grown)
            return LoadOutcome(device, taken, load.reason)

    def _record(self, engine: Engine, device: str, taken: int, grown: int) -> None:
        """Remember for the next start what the load took."""
        if device != PROCESSOR:
            self._estimates.record(engine, taken, device)
        self._estimates.record(engine, grown)

    async def _recover(
        self, load: _LoadInProgress, failure: LoadFailure, action: Action, others: list[str]
    ) -> bool:
        """Do what is to be done before the next try; return False where that failed."""
        name = action if isinstance(action, str) else getattr(action, "__name__", "an action")
        logger.warning(
            "loading %s on %s failed (%s): %s",
            *(load.id, failure.device, failure.kind, name),
            exc_info=failure.error,
        )
        if not isinstance(action, str):
            return await mend(action, failure)
        if action == RETRY:
            await asyncio.sleep(self._settings.models.retry_seconds)
        elif action == FREE:
            await self.placement.free(failure.device)
        else:
            load.devices = others[:1] if action == OTHER_DEVICE else [PROCESSOR]
            load.reason = f"{failure.device}: {_first_line(failure.error)}"
        return True

    def _estimate(self, engine: Engine) -> Estimate:
        return lambda device: self._estimates.estimate(engine, device)


def _is_possible(load: _LoadInProgress, others: Sequence[str], action: str) -> bool:
    """Tell whether an action can change anything for a load."""
    if action == OTHER_DEVICE:
        # Nobody is surprised on a GPU who asked for the processor.
        on_gpu = load.device != PROCESSOR
        return isinstance(load.engine, Placeable) and on_gpu and bool(others)
    if action == CPU:
        return isinstance(load.engine, Placeable) and PROCESSOR not in load.tried
    return True


async def _free_half_loaded(load: _LoadInProgress) -> None:
    """Free what a load that failed left in memory."""
    try:
        await load.lane.call(load.engine.unload)
    except Exception:
        logger.exception("what was loaded of %s could not be freed", load.id)
    await asyncio.to_thread(give_memory_back)


def _for_people(failure: LoadFailure) -> YamabikoError:
    """Return the error that a request gets."""
    if isinstance(failure.error, YamabikoError):
        return failure.error
    lost = CUDA_HEALTH.error is not None
    return Unavailable(
        f"The engine {failure.id!r} could not be loaded: {_first_line(failure.error)}",
        hint="CUDA cannot be used any more: restart the server."
        if lost
        else "The server's log says more; other engines keep working.",
        retry_after=TRY_AGAIN_SECONDS,
    )


def _first_line(error: Exception) -> str:
    text = error.message if isinstance(error, YamabikoError) else str(error)
    return text.strip().partition("\n")[0][:200] or type(error).__name__
