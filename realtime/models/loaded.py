"""The models of the server by id, each as the kind of engine that its user needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import cast

from realtime.acceleration import Accelerated
from realtime.change_event import ChangeEvent
from realtime.engines import registry
from realtime.engines.contract import (
    Accelerates,
    Converter,
    Engine,
    Recogniser,
    Synthesizer,
)
from realtime.engines.frame_engines import Denoiser, Detector
from realtime.engines.placeable import AUTO, CPU, REMOTE
from realtime.errors import BadRequest, SettingsError, YamabikoError, shortlist
from realtime.model_id import split_id
from realtime.models.device_readings import ReadDevices, forgiving
from realtime.models.loading import Loader
from realtime.models.memory_estimate import MemoryEstimates
from realtime.models.memory_room import MemoryRoom
from realtime.models.model import LoadedModel, ModelTools
from realtime.models.model_events import ModelEvents
from realtime.models.model_list import ModelList
from realtime.models.model_state import ModelState, device_of
from realtime.models.placement import Placement, check_settings, split_device
from realtime.models.recovery import Action, Match, Recovery
from realtime.settings import Settings
from realtime.weights import find_parts

DOES = {
    "speak": "speaks",
    "convert": "converts voices",
    "detect": "detects speech",
    "denoise": "takes noise out of a voice",
    "recognise": "recognises speech",
}


class LoadedModels:
    """The models of the engines in the registry; each is loaded on first use.

    `synthesizer`, `converter`, `detector`, `denoiser` and `recogniser` give the model of an id,
    loaded or not: its `engine` tells what the class says, and `lease` loads it and lends it with
    its lane.
    """

    def __init__(
        self,
        settings: Settings,
        create: Callable[[str, Settings], Engine] = registry.create,
        names: Collection[str] = tuple(registry.ENGINES),
        clock: Callable[[], float] = time.monotonic,
        read_devices: ReadDevices | None = None,
    ) -> None:
        """Make the models, not loaded; without `read_devices` no memory is kept free for them."""
        self._settings = settings
        self.users_changed = ChangeEvent()
        self.estimates = MemoryEstimates(settings)
        self.events = ModelEvents()
        check_settings(settings)
        _check_outside(settings, names)
        read = read_devices and forgiving(read_devices)
        room = read and MemoryRoom(settings.gpu, read, self, self.users_changed)
        self._recovery = Recovery(settings.models.recovery)
        placement = Placement(read, room)
        loader = Loader(settings, self.estimates, self.events, placement, self._recovery)
        tools = ModelTools(settings, clock, self.users_changed, self.events, loader)
        self._models = ModelList(
            {name: create(name, settings) for name in names},
            lambda id, engine: LoadedModel(id, engine, tools),
        )

    def __iter__(self) -> Iterator[LoadedModel[Engine]]:
        """Go through the models that are there; another thread may do it at any time."""
        return iter(self._models)

    async def look(self, id: str = "", kind: str = "") -> None:
        """Look again for models that people brought or took: of an id's engine, of a kind, of all.

        Only engines with several models have a folder to look at.
        """
        names = [split_id(id)[0]] if id else self._models.engines()
        await self._models.look(
            [name for name in names if not kind or self._models.kind(name) == kind]
        )

    def synthesizer(self, id: str) -> LoadedModel[Synthesizer]:
        """Give a model that speaks; refuse another kind."""
        return cast("LoadedModel[Synthesizer]", self._of_kind(id, "speak"))

    def converter(self, id: str) -> LoadedModel[Converter]:
        """Give a model that changes a voice; refuse another kind."""
        return cast("LoadedModel[Converter]", self._of_kind(id, "convert"))

    def detector(self, id: str) -> LoadedModel[Detector]:
        """Give a model that tells speech from silence; refuse another kind."""
        return cast("LoadedModel[Detector]", self._of_kind(id, "detect"))

    def denoiser(self, id: str) -> LoadedModel[Denoiser]:
        """Give a model that takes noise out of a voice; refuse another kind."""
        return cast("LoadedModel[Denoiser]", self._of_kind(id, "denoise"))

    def recogniser(self, id: str) -> LoadedModel[Recogniser]:
        """Give a model that writes down what is said; refuse another kind."""
        return cast("LoadedModel[Recogniser]", self._of_kind(id, "recognise"))

    def speaks(self, id: str) -> bool:
        """Tell whether an id means one model that speaks; an engine with several is none."""
        model = self.find(id)
        return model is not None and model.kind == "speak"

    def engine(self, id: str) -> Engine:
        """Give an engine of any kind, loaded or not: its name, version and weights."""
        return self.model(id).engine

    def ids(self) -> list[str]:
        """List the ids of all models."""
        return [model.id for model in self]

    def names(self) -> list[str]:
        """List all that a request may name: ids, and the engines of several models."""
        return list(dict.fromkeys([*self._models.engines(), *self.ids()]))

    def synthesizers(self) -> list[str]:
        """Name the engines that speak, and their models."""
        return self._named("speak")

    def converters(self) -> list[str]:
        """Name the engines that change a voice, and their models."""
        return self._named("convert")

    def unused(self) -> list[LoadedModel[Engine]]:
        """List the loaded models that nobody uses, and that no task keeps."""
        return [model for model in self if model.state == "loaded" and model.is_free]

    def states(
        self, unloads_in: Callable[[LoadedModel[Engine]], float | None] = lambda model: None
    ) -> list[ModelState]:
        """Describe every model; `unloads_in` tells when it is unloaded by itself."""
        return [model.described(unloads_in(model)) for model in self]

    def device(self) -> str:
        """Tell where engines run: on a GPU if one of those that are loaded does.

        Before any is loaded, those count whose files are there.
        """
        loaded = [each for each in self if each.state == "loaded"]
        counted = loaded or [each for each in self if self._has_files(each)]
        devices = sorted({device_of(each.engine) for each in counted} - {CPU, REMOTE})
        return devices[0] if devices else CPU

    def _has_files(self, model: LoadedModel[Engine]) -> bool:
        return all(find_parts(file, self._settings) for file in model.engine.weights)

    def any_loaded(self) -> bool:
        return any(model.state == "loaded" for model in self)

    def is_loaded(self, id: str) -> bool:
        """Tell whether a model is loaded; one that is not there is not."""
        model = self.find(id)
        return model is not None and model.state == "loaded"

    def find(self, id: str) -> LoadedModel[Engine] | None:
        """Give a model of any kind; None where there is none, or where several are meant."""
        try:
            return self.model(id)
        except BadRequest:
            return None

    def memory_of(self, model: LoadedModel[Engine]) -> int:
        """Count the bytes that a model takes, or would; this looks at files."""
        taken = model.memory_bytes
        if taken is not None:
            return taken
        return self.estimates.estimate(model.engine, device_of(model.engine))

    def users(self) -> list[str]:
        """Name those who use an engine now, or wait for one, once for each use."""
        return [user for model in self for user in model.users]

    def job_counts(self) -> list[tuple[str, int]]:
        """Count the jobs on the lane of each model that has one."""
        return [(m.id, m.lane.jobs) for m in self if m.lane is not None]

    def accelerated(self) -> list[tuple[str, Accelerated]]:
        """List the accelerated networks of the loaded models, with the models' ids."""
        return [
            (model.id, network)
            for model in self
            if model.state == "loaded" and isinstance(model.engine, Accelerates)
            for network in model.engine.accelerated
        ]

    async def load(self, id: str, device: str = AUTO) -> None:
        """Load a model; the id may name the device: `kokoro@cpu`."""
        id, named = split_device(id)
        await self.look(id)
        await self.model(id).load(named if device == AUTO else device)

    def on_failure(self, match: Match, action: Action, attempts: int = 1) -> Callable[[], None]:
        """Say what is done when a model does not load; the function returned takes it back."""
        return self._recovery.on_failure(match, action, attempts)

    async def unload(self, id: str, force: bool = False) -> None:
        """Free a model's memory; refused while a lease is out, unless by force."""
        await self.model(id).unload(force, "asked for")

    async def unload_all(self, force: bool = False) -> dict[str, YamabikoError | None]:
        """Unload every model that is loaded; return the error of each that stays."""
        outcomes: dict[str, YamabikoError | None] = {}
        for model in [m for m in self if m.state == "loaded"]:
            try:
                await model.unload(force, "asked for")
                outcomes[model.id] = None
            except YamabikoError as error:
                outcomes[model.id] = error
        return outcomes

    async def close(self) -> None:
        """Stop every lane; loads under way are no longer waited for."""
        for model in self:
            await model.close()

    def model(self, id: str) -> LoadedModel[Engine]:
        """Give a model of any kind; the name of an engine means its only model."""
        return self._models.get(id)

    def has_engine(self, id: str) -> bool:
        """Tell whether there is the engine of an id; its model may come later."""
        return split_id(id)[0] in self._models.engines()

    def _of_kind(self, id: str, kind: str) -> LoadedModel[Engine]:
        if not self.has_engine(id):
            raise registry.unknown_engine(id[:60], self._named(kind))
        model = self._models.get(id)
        if model.kind != kind:
            raise BadRequest(
                f"The engine {id!r} {DOES[model.kind]}; an engine that {DOES[kind]} is needed. "
                f"There are: {shortlist(self._named(kind)) or 'none'}.",
                code="unknown_engine",
                field="engine",
            )
        return model

    def _named(self, kind: str) -> list[str]:
        return [name for name in self.names() if self._models.kind(split_id(name)[0]) == kind]


def _check_outside(settings: Settings, names: Collection[str]) -> None:
    """Refuse engines in `outside` that are not there."""
    for setting in ("engines", "environments"):
        for name in getattr(settings.outside, setting):
            if name not in names:
                message = registry.unknown_engine(name, names).message
                raise SettingsError(f"outside.{setting}: {message}", field=f"outside.{setting}")
