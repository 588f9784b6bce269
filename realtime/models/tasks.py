"""Tasks: named sets of models that are loaded together before they are needed, and freed after."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from realtime.engines.placeable import AUTO
from realtime.errors import BadRequest, NotFound, SettingsError, YamabikoError, shortlist
from realtime.models.loaded import LoadedModels
from realtime.models.placement import DEVICE, split_device

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
MOST_TASKS = 100
MOST_MODELS = 32  # of a task
MOST_PRIORITY = 1_000
MOST_LIMIT_MB = 1 << 20


@dataclass(frozen=True)
class TaskProfile:
    """A task: its models, and the rules by which they are loaded and freed."""

    models: Annotated[tuple[str, ...], Meta(max_length=MOST_MODELS)]  # by id, as they are loaded
    device: str = AUTO  # on which they must run: auto, cpu, cuda:0
    # Of tasks that wait to be preloaded, the highest goes first.
    priority: Annotated[int, Meta(ge=0, le=MOST_PRIORITY)] = 1
    memory_limit_mb: Annotated[int, Meta(ge=1, le=MOST_LIMIT_MB)] = 4_096  # of all its models
    cleanup: bool = True  # whether cleaning up unloads them, or only lets them go


DEFAULT_TASKS: Mapping[str, TaskProfile] = {
    "voice_synthesis": TaskProfile(("hibari", "kokoro")),
    "voice_conversion": TaskProfile(("world",), memory_limit_mb=2_048),
    "voice_creation": TaskProfile(("valle",), memory_limit_mb=6_144, cleanup=False),
}


class Tasks:
    """The tasks of a server, from its settings and from people."""

    def __init__(self, models: LoadedModels, settings: Mapping[str, Any] | None = None) -> None:
        self._models = models
        self._profiles = {
            name: profile
            for name, profile in DEFAULT_TASKS.items()
            if all(map(models.has_engine, profile.models))
        }
        self._waiting: list[tuple[int, int]] = []  # of preloads: the turn that is next is least
        self._turns = 0
        self._busy = False  # whether a task is being preloaded now
        self._changed = asyncio.Condition()
        for name, content in (settings or {}).items():
            self._profiles[name] = self._from_settings(name, content)

    def all(self) -> dict[str, TaskProfile]:
        return dict(sorted(self._profiles.items()))

    def get(self, name: str) -> TaskProfile:
        if name not in self._profiles:
            raise NotFound(
                f"There is no task {name[:60]!r}; there are: {shortlist(sorted(self._profiles))}.",
                code="task_not_found",
                hint="GET /api/tasks lists them.",
            )
        return self._profiles[name]

    def put(self, name: str, profile: TaskProfile) -> None:
        """Register a task, or change it; what it loaded already stays as it is."""
        self.check(name, profile)
        if name not in self._profiles and len(self._profiles) >= MOST_TASKS:
            raise BadRequest(f"There are {MOST_TASKS} tasks already.", code="too_many_tasks")
        self._profiles[name] = profile

    def check(self, name: str, profile: TaskProfile) -> None:
        """Refuse a name that cannot be one, and models of engines that there are not.

        A model that is brought later is told only when the task is preloaded without it.
        """
        if not NAME.fullmatch(name):
            raise BadRequest(
                f"{name[:60]!r} cannot be the name of a task: 1 to 64 letters, digits, - and _ are "
                "allowed.",
                field="name",
            )
        if not DEVICE.fullmatch(profile.device):
            raise BadRequest(
                f"device is {profile.device[:20]!r}; allowed is auto, cpu, cuda or cuda:0.",
                code="unknown_device",
                field="device",
            )
        for id in profile.models:
            if not self._models.has_engine(split_device(id)[0]):
                raise BadRequest(
                    f"There is no model {id[:60]!r}; there are: {shortlist(self._models.names())}.",
                    code="unknown_model",
                    field="models",
                )

    def remove(self, name: str) -> None:
        """Forget a task; its models stay loaded, and are free to go."""
        self.get(name)
        self._let_go(name)
        del self._profiles[name]

    def pinned(self, name: str) -> list[str]:
        """List the models that a task keeps loaded."""
        return [model.id for model in self._models if name in model.pins]

    async def preload(self, name: str) -> dict[str, str]:
        """Load the models of a task and keep them loaded; say of each how that went."""
        profile = self.get(name)
        await self._wait_for_turn(profile.priority)
        try:
            results, taken = {}, 0
            for id in profile.models:
                results[id], size = await self._load(name, id, profile, taken)
                taken += size
            return results
        finally:
            await self._end_turn()

    async def clean_up(self, name: str) -> dict[str, str]:
        """Let the models of a task go, and unload those that nobody uses if the task says so."""
        profile, results = self.get(name), {}
        self._let_go(name)
        for id in profile.models:
            if not profile.cleanup:
                results[id] = "kept"
            elif not self._models.is_loaded(split_device(id)[0]):
                results[id] = "unloaded"
            else:
                unloading = self._models.model(split_device(id)[0]).unload(reason=f"task {name}")
                results[id] = await _outcome_of(unloading, "unloaded")
        return results

    async def _load(self, name: str, id: str, profile: TaskProfile, taken: int) -> tuple[str, int]:
        """Load one model; return the outcome, and the bytes that it counts for."""
        id, named = split_device(id)
        device = profile.device if named == AUTO else named
        await self._models.look(id)
        try:
            model = self._models.model(id)
        except BadRequest as error:
            return error.message, 0
        needed = await asyncio.to_thread(self._models.memory_of, model)
        limit = profile.memory_limit_mb * 1_000_000
        if taken + needed > limit:
            return f"it would take the task over its limit of {profile.memory_limit_mb} MB", 0
        try:
            await model.leave_for(device)
        except YamabikoError as error:
            return error.message, 0
        model.pins.add(name)  # before it is loaded: nothing may take it away in between
        outcome = await _outcome_of(model.load(device), "loaded")
        if outcome != "loaded":
            model.pins.discard(name)
            return outcome, 0
        return outcome, needed

    def _let_go(self, name: str) -> None:
        for model in self._models:
            model.pins.discard(name)

    async def _wait_for_turn(self, priority: int) -> None:
        self._turns += 1
        turn = (-priority, self._turns)
        self._waiting.append(turn)
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._busy and min(self._waiting) == turn)
                self._busy = True
        finally:
            self._waiting.remove(turn)

    async def _end_turn(self) -> None:
        async with self._changed:
            self._busy = False
            self._changed.notify_all()

    def _from_settings(self, name: str, content: Any) -> TaskProfile:
        """Read the profile of a task from the settings, or say what is wrong there."""
        try:
            profile = profile_of(content)
            self.check(name, profile)
        except BadRequest as error:
            raise SettingsError(f"tasks.{name}: {error.message}", field="tasks") from error
        return profile


def profile_of(content: Any) -> TaskProfile:
    """Read a profile as settings have it."""
    known = [field.name for field in dataclasses.fields(TaskProfile)]
    if isinstance(content, dict) and (unknown := [name for name in content if name not in known]):
        raise BadRequest(f"there is no {unknown[0]!r}; there are: {', '.join(known)}.")
    try:
        return msgspec.convert(content, TaskProfile)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.") from error


async def _outcome_of(work: Any, success: str) -> str:
    try:
        await work
    except YamabikoError as error:
        return error.message
    return success
