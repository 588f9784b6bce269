"""An engine with its lane, its state, and the leases that keep it loaded."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from realtime.change_event import ChangeEvent
from realtime.engines.contract import (
    Converter,
    Engine,
    Recogniser,
    Synthesizer,
)
from realtime.engines.frame_engines import Denoiser, Detector
from realtime.engines.outside.process_facts import RunsOutside
from realtime.engines.placeable import AUTO
from realtime.errors import Busy, InUse, NoRoom, Unavailable, YamabikoError, shortlist
from realtime.model_id import split_id
from realtime.models.device_readings import PROCESSOR
from realtime.models.lanes import Lane, guard_of
from realtime.models.load_memory import give_memory_back
from realtime.models.loading import TRY_AGAIN_SECONDS, Loader, LoadOutcome
from realtime.models.model_events import ModelEvents
from realtime.models.model_state import ModelState, device_of, process_of
from realtime.models.placement import is_on
from realtime.settings import Settings

logger = logging.getLogger(__name__)

EngineT = TypeVar("EngineT", bound=Engine)

KINDS = {
    "speak": Synthesizer,
    "convert": Converter,
    "detect": Detector,
    "denoise": Denoiser,
    "recognise": Recogniser,
}
MOST_USERS = 12  # that are named to a person


@dataclass(frozen=True)
class Lease(Generic[EngineT]):
    """The right to use a loaded engine on its lane."""

    engine: EngineT
    lane: Lane


@dataclass(frozen=True)
class ModelTools:
    """The things that the models of one server share."""

    settings: Settings
    clock: Callable[[], float]
    users_changed: ChangeEvent
    events: ModelEvents
    loader: Loader


class LoadedModel(Generic[EngineT]):
    """An engine that is loaded on first use, on a lane of its own.

    Loading happens on the lane, so users of other engines never wait for it, and users of the same
    engine share one load. A leased engine is not unloaded, but by force.
    """

    def __init__(self, id: str, engine: EngineT, tools: ModelTools) -> None:
        self.id = id
        self.engine = engine
        self.kind = next(kind for kind, contract in KINDS.items() if isinstance(engine, contract))
        self.state = "unloaded"
        self.lane: Lane | None = None
        self.device = PROCESSOR  # on which it was loaded
        self.last_used = -math.inf  # on the clock of the tools
        self.load_seconds = 0.0
        self.memory_bytes: int | None = None
        self.error: YamabikoError | None = None
        self.pins: set[str] = set()  # the tasks that keep it loaded
        self._last_used_at: float | None = None  # the time of day
        self._tools = tools
        self._settings = tools.settings
        self._users: list[str] = []
        self._holders = 0  # of the users, those who have the engine
        self._failed_at = -math.inf
        self._loading: asyncio.Task[None] | None = None
        self._unloading: asyncio.Task[None] | None = None

    def described(self, unloads_in: float | None = None) -> ModelState:
        """Give the facts that a person may know; it is asked off the loop, as its device is."""
        languages = self.engine.languages if isinstance(self.engine, Synthesizer) else ()
        error, loaded = self.error, self.state == "loaded"
        return ModelState(
            id=self.id,
            name=split_id(self.id)[1] or self.id,
            engine=self.engine.name,
            kind=self.kind,
            state=self.state,
            languages=tuple(sorted(languages)),
            leases=len(self._users),
            users=tuple(self._users[:MOST_USERS]),
            load_ms=round(1000 * self.load_seconds, 1) if loaded else None,
            last_used_ms=None if self._last_used_at is None else round(1000 * self._last_used_at),
            unloads_in_s=None if unloads_in is None else math.ceil(unloads_in),
            device=self.device if loaded else device_of(self.engine),
            memory_bytes=self.memory_bytes,
            process=process_of(self.engine),
            task=", ".join(sorted(self.pins)) or None,
            error=error.message if error else None,
            error_code=error.code if error else None,
            hint=error.hint if error else None,
        )

    @property
    def users(self) -> tuple[str, ...]:
        """Name those who use the engine now, or wait until it is loaded."""
        return tuple(self._users)

    @property
    def is_free(self) -> bool:
        """Tell whether nobody uses it and no task keeps it."""
        return not self._users and not self.pins

    @property
    def is_active(self) -> bool:
        """Tell whether it is loaded, or soon will be, or somebody waits for it."""
        return self.state in ("loading", "loaded", "unloading") or bool(self._users)

    @asynccontextmanager
    async def lease(self, user: str = "a listener") -> AsyncIterator[Lease[EngineT]]:
        """Load the engine if it is not, and keep it loaded until the block ends."""
        self._users.append(user)
        self._tools.users_changed.announce()
        holds = False
        try:
            self._tools.events.add("hit" if self.state == "loaded" else "miss", *self._place())
            lane = await self._loaded_lane()
            self._holders, holds = self._holders + 1, True
            yield Lease(self.engine, lane)
        finally:
            self._holders -= holds
            self._users.remove(user)
            self._note_use()
            self._tools.users_changed.announce()

    async def load(self, device: str = AUTO, force: bool = False) -> None:
        """Load the engine, or wait for the load that is under way.

        A loaded one is right for `auto`. Asked for another device it moves there; while it is in
        use only by force.
        """
        self._tools.events.add("requested", *self._place())
        await self.leave_for(device, force)
        await self._loaded_lane(device)
        self._note_use()

    async def leave_for(self, device: str, force: bool = False) -> None:
        """Unload it where it is on another device than the one asked for."""
        if device == AUTO:
            return
        await self._tools.loader.placement.check(self.engine, device)
        if self._loading is not None:
            await asyncio.wait((self._loading,))
        if self.state == "loaded" and not is_on(self.device, device):
            await self.unload(force, f"moves to {device}")
        self._failed_at = -math.inf  # the other device was not tried

    async def unload(self, force: bool = False, reason: str | None = None) -> None:
        """Free the engine's memory; refused while a lease is out.

        By force its users get `models.unload_seconds` to end; then their work ends with an error.
        """
        if force:
            self.pins.clear()
        elif not self.is_free:
            tasks = (f"the task {name}" for name in sorted(self.pins))
            users = shortlist([*self._users, *tasks], MOST_USERS)
            raise InUse(
                f"{self.id!r} is in use and stays loaded; it is used by {users}.",
                hint="Ask again when they have ended.",
                retry_after=2,
                values={"users": users},
            )
        if self._loading is not None:
            await asyncio.wait((self._loading,))
        if self.state == "loaded" and self._unloading is None:
            # Marked first: a load that is asked for meanwhile waits for the end of this.
            self.state = "unloading"
            self._unloading = asyncio.create_task(self._unload(reason))
        if self._unloading is not None:
            await asyncio.shield(self._unloading)

    async def close(self) -> None:
        """Stop the lane; a load under way is no longer waited for."""
        if self._loading is not None:
            self._loading.cancel()
        if self.lane is not None:
            await asyncio.to_thread(self.lane.close)
            self.lane, self.state = None, "unloaded"
        if isinstance(self.engine, RunsOutside):  # what is in memory here ends with this process
            await asyncio.to_thread(self.engine.unload)

    def _place(self) -> tuple[str, str]:
        return self.id, self.device

    def _note_use(self) -> None:
        self.last_used, self._last_used_at = self._tools.clock(), time.time()

    async def _loaded_lane(self, device: str = AUTO) -> Lane:
        if self._unloading is not None:
            await asyncio.shield(self._unloading)
        if self.state == "failed" and self.error is not None:
            if self._tools.clock() - self._failed_at < TRY_AGAIN_SECONDS:
                raise self.error
        if self.state != "loaded":
            if self._loading is None:
                self.state, self.error = "loading", None
                self._loading = asyncio.create_task(self._load(device))
            # Shielded: a caller who leaves does not take the load from the others.
            await asyncio.shield(self._loading)
        if self.error is not None:
            raise self.error
        assert self.lane is not None, "a loaded engine has a lane"
        return self.lane

    async def _load(self, device: str) -> None:
        """Load on a device, and keep the outcome in the state."""
        started = self._tools.clock()
        try:
            loaded = await self._tools.loader.load(self.id, self.engine, self._new_lane(), device)
        except YamabikoError as error:
            self._note_failure(error)
        except Exception as error:
            logger.exception("loading %s failed before its engine was asked", self.id)
            self._note_failure(Unavailable(f"{self.id!r} could not be loaded: {error}"))
        else:
            self._note_loaded(loaded, self._tools.clock() - started)
        finally:
            self._loading = None

    def _note_loaded(self, loaded: LoadOutcome, seconds: float) -> None:
        self.device, self.memory_bytes = loaded.device, loaded.memory_bytes
        self.state, self.load_seconds = "loaded", seconds
        self._note_use()
        self._tools.events.add("completed", *self._place(), loaded.reason)
        why = f": {loaded.reason}" if loaded.reason else ""
        logger.info("loaded %s on %s in %.1f s%s", *self._place(), seconds, why)

    def _note_failure(self, error: YamabikoError) -> None:
        self.state, self.error = "failed", error
        # Room may be there in a moment; a file that is missing is not.
        self._failed_at = -math.inf if isinstance(error, NoRoom) else self._tools.clock()

    def _new_lane(self) -> Lane:
        if self.lane is None:
            most = self._settings.limits.queued_lines
            self.lane = Lane(self.id, most, guard_of(self.engine))
        return self.lane

    async def _unload(self, reason: str | None) -> None:
        try:
            if self._holders:
                await self._end_users()
            await self._new_lane().call(self.engine.unload)
            await asyncio.to_thread(give_memory_back)
        except Exception:
            logger.exception("unloading %s failed", self.id)
        finally:
            self.state, self.memory_bytes, self._unloading = "unloaded", None, None
            self._tools.events.add("unloaded", *self._place(), reason)

    async def _end_users(self) -> None:
        """Wait for those who have the engine; end the work of those who need too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.models.unload_seconds):
                while self._holders:
                    await self._tools.users_changed.wait()
        if self._holders and self.lane is not None:
            error = Busy(f"{self.id!r} was unloaded.", code="unloaded", retry_after=2)
            await asyncio.to_thread(self.lane.close, reason=error)
            self.lane = None
