"""The loaded engines: load on first use, leases, unload, states; it knows no text and no web.

One engine has one lane. Loading happens there, so callers of other engines never wait for it, and
callers of the same engine share one load. Nothing is unloaded while it is leased.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from realtime import engines
from realtime.acceleration import Accelerated
from realtime.engines.contract import (
    Accelerates,
    Converter,
    Detector,
    Engine,
    Recogniser,
    Synthesizer,
)
from realtime.errors import BadRequest, InUse, Unavailable, YamabikoError, shortlist
from realtime.models.lanes import Lane
from realtime.models.process_memory import resident_bytes
from realtime.settings import Settings

logger = logging.getLogger(__name__)

MOST_USERS = 12  # that are named
KINDS = {
    "speak": Synthesizer,
    "convert": Converter,
    "detect": Detector,
    "recognise": Recogniser,
}
TRY_AGAIN_SECONDS = 10.0  # how long a failed load is remembered before somebody may try again


@dataclass(frozen=True)
class ModelState:
    """What a person may know of an engine."""

    name: str
    kind: str
    state: str  # unloaded | loading | loaded | failed
    languages: tuple[str, ...]
    leases: int
    users: tuple[str, ...]  # who holds them, the first few
    load_ms: float | None
    memory_bytes: int | None  # by how much loading it made the process larger
    error: str | None


@dataclass
class LoadedModel:
    """One engine with its lane and what is known of it."""

    name: str
    engine: Any
    lane: Lane | None = None
    state: str = "unloaded"
    users: list[str] = field(default_factory=list)
    load_ms: float | None = None
    memory_bytes: int | None = None
    error: YamabikoError | None = None
    failed_at: float = 0.0
    loading: asyncio.Task[None] | None = field(default=None, repr=False)

    def described(self) -> ModelState:
        return ModelState(
            name=self.name,
            kind=next(kind for kind, made in KINDS.items() if isinstance(self.engine, made)),
            state=self.state,
            languages=tuple(sorted(getattr(self.engine, "languages", ()))),
            leases=len(self.users),
            users=tuple(self.users[:MOST_USERS]),
            load_ms=self.load_ms,
            memory_bytes=self.memory_bytes,
            error=self.error.message if self.error else None,
        )


@dataclass(frozen=True)
class Lease:
    """The right to use a loaded engine on its lane."""

    engine: Any
    lane: Lane


class LoadedModels:
    """All engines of the registry by name."""

    def __init__(
        self,
        settings: Settings,
        create: Callable[[str, Settings], Engine] = engines.create,
        names: Collection[str] = tuple(engines.ENGINES),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._models = {name: LoadedModel(name, create(name, settings)) for name in names}

    def states(self) -> list[ModelState]:
        return [model.described() for model in self._models.values()]

    def busy(self) -> list[tuple[str, int]]:
        """How many jobs each loaded engine's lane has."""
        return [(m.name, m.lane.jobs) for m in self._models.values() if m.lane is not None]

    def accelerated(self) -> list[tuple[str, Accelerated]]:
        """The quick networks of the loaded engines, with their engines' names."""
        return [
            (model.name, network)
            for model in self._models.values()
            if model.state == "loaded" and isinstance(model.engine, Accelerates)
            for network in model.engine.accelerated
        ]

    def names(self) -> list[str]:
        return list(self._models)

    def synthesizers(self) -> list[str]:
        return [m.name for m in self._models.values() if isinstance(m.engine, Synthesizer)]

    def engine(self, name: str) -> Any:
        """The engine as it is described by its class, loaded or not."""
        return self._model(name).engine

    def loaded(self, name: str) -> bool:
        return self._model(name).state == "loaded"

    @asynccontextmanager
    async def lease(self, name: str, user: str = "a listener") -> AsyncIterator[Lease]:
        """A loaded engine that stays loaded until the lease is given back by its user."""
        model = self._model(name)
        model.users.append(user)
        try:
            yield Lease(model.engine, await self._loaded_lane(model))
        finally:
            model.users.remove(user)

    async def load(self, name: str) -> None:
        await self._loaded_lane(self._model(name))

    async def unload(self, name: str) -> None:
        """Free an engine's memory; refused while somebody uses it."""
        model = self._model(name)
        if model.users:
            users = shortlist(model.users, MOST_USERS)
            raise InUse(
                f"{name!r} is in use and stays loaded; it is used by {users}.",
                hint="Ask again when they have ended.",
                retry_after=2,
            )
        if model.lane is not None and model.state == "loaded":
            # Marked first: a load asked for meanwhile waits behind this on the same lane.
            model.state, model.load_ms, model.memory_bytes = "unloaded", None, None
            await model.lane.call(model.engine.unload)
            gc.collect()

    async def close(self) -> None:
        """Stop every lane; loads under way are awaited no longer."""
        for model in self._models.values():
            if model.loading is not None:
                model.loading.cancel()
            if model.lane is not None:
                await asyncio.to_thread(model.lane.close)
                model.lane, model.state = None, "unloaded"

    def _model(self, name: str) -> LoadedModel:
        if name not in self._models:
            raise engines.unknown(name, self._models)
        return self._models[name]

    async def _loaded_lane(self, model: LoadedModel) -> Lane:
        if model.state == "failed" and model.error is not None:
            if self._clock() - model.failed_at < TRY_AGAIN_SECONDS:
                raise model.error
        if model.state != "loaded":
            if model.loading is None:
                model.state, model.error = "loading", None
                model.loading = asyncio.create_task(self._load(model))
            # Shielded: a caller who leaves does not take the load from the others.
            await asyncio.shield(model.loading)
        if model.error is not None:
            raise model.error
        assert model.lane is not None, "a loaded engine has a lane"
        return model.lane

    async def _load(self, model: LoadedModel) -> None:
        """Load, once more after a pause; the outcome stands in the model."""
        started, before = self._clock(), resident_bytes()
        if model.lane is None:
            model.lane = Lane(model.name, self._settings.limits.queued_lines)
        try:
            await self._attempts(model, model.lane)
        except YamabikoError as error:
            model.state, model.error, model.failed_at = "failed", error, self._clock()
        else:
            model.state, model.load_ms = "loaded", round(1000 * (self._clock() - started), 1)
            model.memory_bytes = max(0, resident_bytes() - before)
            logger.info("loaded %s in %.1f s", model.name, model.load_ms / 1000)
        finally:
            model.loading = None

    async def _attempts(self, model: LoadedModel, lane: Lane) -> None:
        try:
            await lane.call(model.engine.load)
        except (Unavailable, BadRequest):
            raise  # the engine says why, and trying again brings no file and no device
        except Exception:
            logger.exception("loading %s failed, trying once more", model.name)
            await asyncio.sleep(self._settings.models.retry_seconds)
            await self._last_attempt(model, lane)

    async def _last_attempt(self, model: LoadedModel, lane: Lane) -> None:
        try:
            await lane.call(model.engine.load)
        except Exception as error:
            logger.exception("loading %s failed again", model.name)
            raise Unavailable(
                f"The engine {model.name!r} could not be loaded: {error}",
                hint="The server's log says more; other engines keep working.",
                retry_after=TRY_AGAIN_SECONDS,
            ) from error
