"""The list of the models that there are: of engines with several, those that lie in their folder.

People add and remove files while the server runs, so the folders are looked at again when somebody
asks for a model of theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

from realtime.engines import registry
from realtime.engines.contract import Engine
from realtime.engines.several_models import SeveralModels, unknown_model
from realtime.model_id import model_id, split_id
from realtime.models.model import LoadedModel

MakeModel = Callable[[str, Engine], LoadedModel[Engine]]  # of an id


class ModelList:
    """The models by id, in the order of the engines; each is made once and loaded by nobody here.

    An engine with several models is in the list itself only while none of its models is there.
    """

    def __init__(self, found: Mapping[str, Engine], make: MakeModel) -> None:
        self._make = make
        self._alone = {name: make(name, engine) for name, engine in found.items()}
        self._several = {
            name: engine for name, engine in found.items() if isinstance(engine, SeveralModels)
        }
        # Each inner mapping is replaced as a whole: threads go through it while it changes.
        self._found: dict[str, dict[str, LoadedModel[Engine]]] = {}
        self._looking = asyncio.Lock()
        for name, engine in self._several.items():
            self._found[name] = self._models_of(name, engine.find_models())

    def __iter__(self) -> Iterator[LoadedModel[Engine]]:
        for name, model in self._alone.items():
            yield from self._found.get(name, {}).values() or (model,)

    def engines(self) -> list[str]:
        """Name the engines, whether they have one model or several."""
        return list(self._alone)

    def kind(self, name: str) -> str | None:
        """Give the kind of an engine's models; None where there is no such engine."""
        return self._alone[name].kind if name in self._alone else None

    async def look(self, names: Sequence[str]) -> None:
        """Look again for the models of those of these engines that have several."""
        for name in names:
            if name in self._several:
                # One at a time: an old look must not take away what a newer one has found.
                async with self._looking:
                    await self._look_at(name, self._several[name])

    def get(self, id: str) -> LoadedModel[Engine]:
        """Give the model of an id; an engine's name alone means its only model."""
        name, model = split_id(id)
        if name not in self._alone:
            raise registry.unknown_engine(id[:60], self._alone)
        found = self._found.get(name)
        if found is None and model:
            raise unknown_model(name, model, (name,))
        if found is not None and model and (model in found or self._several[name].has_model(model)):
            return found.get(model) or self._add(name, model)
        if not found:
            return self._alone[name]  # of an engine without any model it says what is missing
        if not model and len(found) == 1:
            return next(iter(found.values()))
        files = self._several[name].files_of(model) if model else None
        raise unknown_model(name, model, found, files)

    async def _look_at(self, name: str, engine: SeveralModels) -> None:
        there = await asyncio.to_thread(engine.find_models)
        before = self._found[name]
        self._found[name] = self._models_of(name, there)
        for model, gone in before.items():
            if model not in self._found[name]:
                await gone.close()

    def _models_of(self, name: str, there: Sequence[str]) -> dict[str, LoadedModel[Engine]]:
        """Return the models of an engine: those whose files are there, and those in use."""
        before = self._found.get(name, {})
        kept = [model for model, known in before.items() if known.is_active]
        models = sorted({*there, *kept})
        return {model: before.get(model) or self._new_model(name, model) for model in models}

    def _add(self, name: str, model: str) -> LoadedModel[Engine]:
        """Add a model that an engine has without listing it; looks drop it while nobody uses it."""
        made = self._new_model(name, model)
        self._found[name] = {**self._found[name], model: made}
        return made

    def _new_model(self, name: str, model: str) -> LoadedModel[Engine]:
        return self._make(model_id(name, model), self._several[name].with_model(model))
