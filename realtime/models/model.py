"""An engine of the registry with its lane, its state, and the leases that keep it loaded."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.engines.contract import (
    Accelerates,
    Converter,
    Detector,
    Engine,
    MayUseCuda,
    PreparesFiles,
    Recogniser,
    Synthesizer,
    TellsDevice,
)
from realtime.engines.obstacles import require_engine_block
from realtime.errors import BadRequest, InUse, Unavailable, YamabikoError, shortlist
from realtime.models.lanes import Lane
from realtime.models.load_memory import MemoryReading, read_memory_in_use
from realtime.models.memory_estimate import MemoryEstimates
from realtime.models.preparation import prepare_files
from realtime.settings import Settings

logger = logging.getLogger(__name__)

EngineT = TypeVar("EngineT", bound=Engine)

KINDS = {
    "speak": Synthesizer,
    "convert": Converter,
    "detect": Detector,
    "recognise": Recogniser,
}
MOST_USERS = 12  # that are named to a person
TRY_AGAIN_SECONDS = 10.0  # for which a failed load is remembered, before a request may try again


@dataclass(frozen=True)
class ModelState:
    """Facts about a model for a person."""

    name: str
    kind: str
    state: str  # unloaded | loading | loaded | failed
    languages: tuple[str, ...]
    leases: int
    users: tuple[str, ...]  # who hold the leases, the first few
    load_ms: float | None
    device: str  # where it runs, or would: cpu, cuda:0
    memory_bytes: int | None  # that loading it took on its device
    error: str | None
    error_code: str | None
    hint: str | None  # what to do about the error


@dataclass(frozen=True)
class Lease(Generic[EngineT]):
    """The right to use a loaded engine on its lane."""

    engine: EngineT
    lane: Lane


class LoadedModel(Generic[EngineT]):
    """An engine that is loaded on first use, on a lane of its own.

    Loading happens on the lane, so users of other engines never wait for it, and users of the same
    engine share one load. A leased engine is not unloaded.
    """

    def __init__(
        self,
        name: str,
        engine: EngineT,
        settings: Settings,
        clock: Callable[[], float],
        announce: Callable[[], None],
        estimates: MemoryEstimates,
    ) -> None:
        """Make it, not loaded; `announce` is called when its users change."""
        self.name = name
        self.engine = engine
        self.kind = next(kind for kind, contract in KINDS.items() if isinstance(engine, contract))
        self.state = "unloaded"
        self.lane: Lane | None = None
        self._settings = settings
        self._clock = clock
        self._announce = announce
        self._estimates = estimates
        self._users: list[str] = []
        self._load_ms: float | None = None
        self._memory_bytes: int | None = None
        self._error: YamabikoError | None = None
        self._failed_at = 0.0
        self._loading: asyncio.Task[None] | None = None

    def described(self) -> ModelState:
        """Give the facts that a person may know; it is asked off the loop, as its device is."""
        languages = self.engine.languages if isinstance(self.engine, Synthesizer) else ()
        return ModelState(
            name=self.name,
            kind=self.kind,
            state=self.state,
            languages=tuple(sorted(languages)),
            leases=len(self._users),
            users=tuple(self._users[:MOST_USERS]),
            load_ms=self._load_ms,
            device=device_of(self.engine),
            memory_bytes=self._memory_bytes,
            error=self._error.message if self._error else None,
            error_code=self._error.code if self._error else None,
            hint=self._error.hint if self._error else None,
        )

    @property
    def users(self) -> tuple[str, ...]:
        """Name those who use the engine now, or wait until it is loaded."""
        return tuple(self._users)

    @asynccontextmanager
    async def lease(self, user: str = "a listener") -> AsyncIterator[Lease[EngineT]]:
        """Load the engine if it is not, and keep it loaded until the block ends."""
        self._users.append(user)
        self._announce()
        try:
            lane = await self._loaded_lane()
            yield Lease(self.engine, lane)
        finally:
            self._users.remove(user)
            self._announce()

    async def load(self) -> None:
        """Load the engine, or wait for the load that is under way."""
        await self._loaded_lane()

    async def unload(self) -> None:
        """Free the engine's memory; refused while a lease is out."""
        if self._users:
            users = shortlist(self._users, MOST_USERS)
            raise InUse(
                f"{self.name!r} is in use and stays loaded; it is used by {users}.",
                hint="Ask again when they have ended.",
                retry_after=2,
                values={"users": users},
            )
        if self.lane is not None and self.state == "loaded":
            # Marked first: a load asked for meanwhile waits behind this on the same lane.
            self.state, self._load_ms, self._memory_bytes = "unloaded", None, None
            await self.lane.call(self.engine.unload)
            gc.collect()

    async def close(self) -> None:
        """Stop the lane; a load under way is no longer waited for."""
        if self._loading is not None:
            self._loading.cancel()
        if self.lane is not None:
            await asyncio.to_thread(self.lane.close)
            self.lane, self.state = None, "unloaded"

    async def _loaded_lane(self) -> Lane:
        if self.state == "failed" and self._error is not None:
            if self._clock() - self._failed_at < TRY_AGAIN_SECONDS:
                raise self._error
        if self.state != "loaded":
            if self._loading is None:
                self.state, self._error = "loading", None
                self._loading = asyncio.create_task(self._load())
            # Shielded: a caller who leaves does not take the load from the others.
            await asyncio.shield(self._loading)
        if self._error is not None:
            raise self._error
        assert self.lane is not None, "a loaded engine has a lane"
        return self.lane

    async def _load(self) -> None:
        """Load, once more after a pause; keep the outcome in the state."""
        started, before = self._clock(), read_memory_in_use()
        if self.lane is None:
            guard = guard_of(self.engine)
            self.lane = Lane(self.name, self._settings.limits.queued_lines, guard)
        try:
            await self._prepare_files()
            await self._attempts(self.lane)
        except YamabikoError as error:
            self.state, self._error, self._failed_at = "failed", error, self._clock()
        else:
            self.state, self._load_ms = "loaded", round(1000 * (self._clock() - started), 1)
            await asyncio.to_thread(self._measure, before)
            logger.info("loaded %s in %.1f s", self.name, self._load_ms / 1000)
        finally:
            self._loading = None

    def _measure(self, before: MemoryReading) -> None:
        """Note the memory that the load took, also for the next start."""
        after = read_memory_in_use()
        self._memory_bytes = after.taken_since(before, device_of(self.engine))
        self._estimates.record(self.engine, after.resident_since(before))

    async def _prepare_files(self) -> None:
        engine: object = self.engine
        if isinstance(engine, PreparesFiles) and await asyncio.to_thread(engine.can_prepare):
            await prepare_files(self.name, self._settings)

    async def _attempts(self, lane: Lane) -> None:
        require_engine_block(self.engine, self._settings)
        try:
            await lane.call(self.engine.load)
        except (Unavailable, BadRequest):
            raise  # the engine says why, and trying again brings no file and no device
        except Exception:
            logger.exception("loading %s failed, trying once more", self.name)
            await asyncio.sleep(self._settings.models.retry_seconds)
            await self._last_attempt(lane)

    async def _last_attempt(self, lane: Lane) -> None:
        try:
            await lane.call(self.engine.load)
        except Exception as error:
            logger.exception("loading %s failed again", self.name)
            raise Unavailable(
                f"The engine {self.name!r} could not be loaded: {error}",
                hint="The server's log says more; other engines keep working.",
                retry_after=TRY_AGAIN_SECONDS,
            ) from error


def guard_of(engine: Engine) -> Callable[[], AbstractContextManager[None]]:
    """Give the guard of an engine's turns: CUDA's lock, or none for an engine that stays off it."""
    may_use_cuda = isinstance(engine, MayUseCuda) and engine.may_use_cuda
    return DEVICE_LOCK.working if may_use_cuda or isinstance(engine, Accelerates) else nullcontext


def device_of(engine: Engine) -> str:
    """Give the device of an engine: where it runs, or would if it were loaded."""
    return engine.runs_on() if isinstance(engine, TellsDevice) else "cpu"
