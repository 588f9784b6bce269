"""The models of the server by name, each as the kind of engine that its user needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import cast

from realtime import engines
from realtime.acceleration import Accelerated
from realtime.change_event import ChangeEvent
from realtime.engines.contract import (
    Accelerates,
    Converter,
    Detector,
    Engine,
    Recogniser,
    Synthesizer,
)
from realtime.errors import BadRequest, YamabikoError, shortlist
from realtime.models.device_readings import ReadDevices
from realtime.models.memory_estimate import MemoryEstimates
from realtime.models.memory_room import MemoryRoom
from realtime.models.model import LoadedModel, ModelTools
from realtime.models.model_events import ModelEvents
from realtime.models.model_state import ModelState, device_of
from realtime.settings import Settings
from realtime.weights import find_parts

DOES = {
    "speak": "speaks",
    "convert": "converts voices",
    "detect": "detects speech",
    "recognise": "recognises speech",
}


class LoadedModels:
    """The engines of the registry; each is loaded on first use.

    `synthesizer`, `converter`, `detector` and `recogniser` give the model of a name, loaded or not:
    its `engine` tells what the class says, and `lease` loads it and lends it with its lane.
    """

    def __init__(
        self,
        settings: Settings,
        create: Callable[[str, Settings], Engine] = engines.create,
        names: Collection[str] = tuple(engines.ENGINES),
        clock: Callable[[], float] = time.monotonic,
        read_devices: ReadDevices | None = None,
    ) -> None:
        """Make the models, not loaded; without `read_devices` no memory is kept free for them."""
        self._settings = settings
        self.users_changed = ChangeEvent()
        self.estimates = MemoryEstimates(settings)
        self.events = ModelEvents()
        self._models: dict[str, LoadedModel[Engine]] = {}
        room = read_devices and MemoryRoom(
            settings.gpu, read_devices, self._models.values(), self.users_changed
        )
        tools = ModelTools(settings, clock, self.users_changed, self.estimates, self.events, room)
        for name in names:
            self._models[name] = LoadedModel(name, create(name, settings), tools)

    def synthesizer(self, name: str) -> LoadedModel[Synthesizer]:
        """Give an engine that speaks; refuse another kind."""
        return cast("LoadedModel[Synthesizer]", self._of_kind(name, "speak"))

    def converter(self, name: str) -> LoadedModel[Converter]:
        """Give an engine that changes a voice; refuse another kind."""
        return cast("LoadedModel[Converter]", self._of_kind(name, "convert"))

    def detector(self, name: str) -> LoadedModel[Detector]:
        """Give an engine that tells speech from silence; refuse another kind."""
        return cast("LoadedModel[Detector]", self._of_kind(name, "detect"))

    def recogniser(self, name: str) -> LoadedModel[Recogniser]:
        """Give an engine that writes down what is said; refuse another kind."""
        return cast("LoadedModel[Recogniser]", self._of_kind(name, "recognise"))

    def engine(self, name: str) -> Engine:
        """Give an engine of any kind, loaded or not: its name, version and weights."""
        return self.model(name).engine

    def names(self) -> list[str]:
        return list(self._models)

    def synthesizers(self) -> list[str]:
        """Name the engines that speak."""
        return self._named("speak")

    def converters(self) -> list[str]:
        """Name the engines that change a voice."""
        return self._named("convert")

    def unused(self) -> list[LoadedModel[Engine]]:
        """List the loaded models that nobody uses, and that no task keeps."""
        return [m for m in self._models.values() if m.state == "loaded" and m.is_free]

    def states(
        self, unloads_in: Callable[[str], float | None] = lambda name: None
    ) -> list[ModelState]:
        """Describe every model; `unloads_in` tells when it is unloaded by itself."""
        return [model.described(unloads_in(model.name)) for model in self._models.values()]

    def device(self) -> str:
        """Tell where engines run: on a GPU if one of those that are loaded does.

        Before any is loaded, those count whose files are there.
        """
        loaded = [each for each in self._models.values() if each.state == "loaded"]
        counted = loaded or [each for each in self._models.values() if self._has_files(each)]
        devices = sorted({device_of(each.engine) for each in counted} - {"cpu"})
        return devices[0] if devices else "cpu"

    def _has_files(self, model: LoadedModel[Engine]) -> bool:
        return all(find_parts(file, self._settings) for file in model.engine.weights)

    def any_loaded(self) -> bool:
        return any(model.state == "loaded" for model in self._models.values())

    def is_loaded(self, name: str) -> bool:
        return self.model(name).state == "loaded"

    def memory_of(self, name: str) -> int:
        """Count the bytes that a model takes, or would; this looks at files."""
        model = self.model(name)
        taken = model.memory_bytes
        if taken is not None:
            return taken
        return self.estimates.estimate(model.engine, device_of(model.engine))

    def device_of(self, name: str) -> str:
        """Tell the device of a model, loaded or not; this may look at files and at the driver."""
        return device_of(self.model(name).engine)

    def users(self) -> list[str]:
        """Name those who use an engine now, or wait for one, once for each use."""
        return [user for model in self._models.values() for user in model.users]

    def job_counts(self) -> list[tuple[str, int]]:
        """Count the jobs on the lane of each engine that has one."""
        return [(m.name, m.lane.jobs) for m in self._models.values() if m.lane is not None]

    def accelerated(self) -> list[tuple[str, Accelerated]]:
        """List the accelerated networks of the loaded engines, with their engines' names."""
        return [
            (model.name, network)
            for model in self._models.values()
            if model.state == "loaded" and isinstance(model.engine, Accelerates)
            for network in model.engine.accelerated
        ]

    async def load(self, name: str) -> None:
        await self.model(name).load()

    async def unload(self, name: str, force: bool = False) -> None:
        """Free an engine's memory; refused while a lease is out, unless by force."""
        await self.model(name).unload(force, "asked for")

    async def unload_all(self, force: bool = False) -> dict[str, YamabikoError | None]:
        """Unload every model that is loaded; return the error of each that stays."""
        outcomes: dict[str, YamabikoError | None] = {}
        for model in [m for m in self._models.values() if m.state == "loaded"]:
            try:
                await model.unload(force, "asked for")
                outcomes[model.name] = None
            except YamabikoError as error:
                outcomes[model.name] = error
        return outcomes

    async def close(self) -> None:
        """Stop every lane; loads under way are no longer waited for."""
        for model in self._models.values():
            await model.close()

    def model(self, name: str) -> LoadedModel[Engine]:
        """Give a model of any kind."""
        if name not in self._models:
            raise engines.unknown_engine(name, self._models)
        return self._models[name]

    def _of_kind(self, name: str, kind: str) -> LoadedModel[Engine]:
        model = self._models.get(name)
        if model is None:
            raise engines.unknown_engine(name, self._named(kind))
        if model.kind != kind:
            raise BadRequest(
                f"The engine {name!r} {DOES[model.kind]}; an engine that {DOES[kind]} is needed. "
                f"There are: {shortlist(self._named(kind)) or 'none'}.",
                code="unknown_engine",
                field="engine",
            )
        return model

    def _named(self, kind: str) -> list[str]:
        return [model.name for model in self._models.values() if model.kind == kind]
