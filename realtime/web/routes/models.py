"""The models for an operator: their state and files, loading and unloading."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime import weights
from realtime.engines.contract import Engine
from realtime.engines.obstacles import Obstacle, find_obstacles
from realtime.engines.placeable import AUTO
from realtime.engines.several_models import named_id
from realtime.errors import BadRequest, InUse, NotFound, shortlist
from realtime.log import audit
from realtime.model_id import split_id
from realtime.models.model import LoadedModel
from realtime.models.model_events import MOST_EVENTS, ModelEvent
from realtime.models.model_state import ModelState
from realtime.models.placement import is_on, split_device
from realtime.services import Services
from realtime.settings import Settings
from realtime.warm_up.plan import WarmUpState
from realtime.web.openapi.error_codes import ENGINE_ERRORS, JSON_ERRORS, UNKNOWN_FIELD, codes
from realtime.web.openapi.operation import MODELS, Body, Operation, Parameter, json_answer
from realtime.web.requests.caller import caller_of
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import FlagField, NumberField, TextField
from realtime.web.requests.fields import Fields
from realtime.web.requests.json_body import json_body
from realtime.web.requests.request_id import request_id
from realtime.web.requests.services import services_of
from realtime.web.requests.upload_form import values_of
from realtime.weights import WeightFile

NO_STORE = {"Cache-Control": "no-store"}
PATH_ID = TextField("name", "The id of a model; the name of an engine means its only model.")
ID = TextField("id", "The id of a model, as GET /api/models has it.")
ENGINE = TextField("engine", "The engine of the model, in place of its id.")
NAME = TextField("name", "The name of the model, beside engine, where that has several.")
DEVICE = TextField(
    "device", "Where to load it: `cpu`, `cuda`, or a GPU such as `cuda:0`.", default=AUTO
)
FORCE = FlagField("force", "Whether those who use it must end.")
LOAD = FieldTable("ModelLoad", (ID, ENGINE, NAME, DEVICE, FORCE))
UNLOAD = FieldTable("ModelUnload", (ID, ENGINE, NAME, FORCE))
UNLOAD_ALL = FieldTable("ModelUnloadAll", (FORCE,))
LAST = NumberField("last", "How many events, the newest ones.", least=1, most=MOST_EVENTS)
EVENTS = FieldTable("ModelEventsQuery", (LAST,))


@dataclass(frozen=True)
class FileDescription:
    """A file of weights; `how` says how to get it where it is missing."""

    name: str
    available: bool
    bytes: int | None
    how: str | None


@dataclass(frozen=True)
class ModelDescription(ModelState):
    """A model with its state, its files, and what keeps it from running."""

    jobs: int
    estimated_bytes: int  # of this machine's memory
    warm_up: WarmUpState | None
    files: list[FileDescription]
    block: str  # of requirements.txt, with its libraries; empty: the core
    can_run: bool
    obstacles: list[Obstacle]


@dataclass(frozen=True)
class ModelDescriptions:
    """Every model; an engine whose models are all missing stands for them."""

    models: list[ModelDescription]


@dataclass(frozen=True)
class ModelEventList:
    """The last events of models, the newest first."""

    events: list[ModelEvent]


async def list_models(request: Request) -> Response:
    described = await describe_models(services_of(request))
    return JSONResponse(asdict(ModelDescriptions(described)), headers=NO_STORE)


async def load(request: Request) -> Response:
    """Answer when the model is loaded; a client that leaves does not stop the loading."""
    return await _load(request, request.path_params["name"])


async def unload(request: Request) -> Response:
    """Unload the model, or refuse while it is in use."""
    return await _unload(request, request.path_params["name"], force=False)


async def load_by_id(request: Request) -> Response:
    fields = LOAD.open(await json_body(request))
    device = DEVICE.read(fields) or AUTO
    return await _load(request, _id_in(fields), device, FORCE.read(fields))


async def unload_by_id(request: Request) -> Response:
    """Unload a model; by force also while it is in use."""
    fields = UNLOAD.open(await json_body(request))
    return await _unload(request, _id_in(fields), FORCE.read(fields))


async def _load(request: Request, id: str, device: str = AUTO, force: bool = False) -> Response:
    """Load a model; by force it moves to another device also while it is in use."""
    model, named = await _known_model(request, id)
    await model.load(named if device == AUTO else device, force)
    audit_model(request, "loaded", model.id)
    return await _answer_for(request, model)


async def _unload(request: Request, id: str, force: bool) -> Response:
    """Unload a model; one that is named with another device than its own stays there."""
    model, named = await _known_model(request, id)
    if is_on(model.device, named):
        await model.unload(force, "asked for")
        audit_model(request, "unloaded", model.id)
    return await _answer_for(request, model)


async def unload_all(request: Request) -> Response:
    """Answer with true, or the reason why it stays, for each model that was loaded."""
    services, fields = services_of(request), UNLOAD_ALL.open(await json_body(request))
    outcomes = await services.models.unload_all(FORCE.read(fields))
    for name in (name for name, error in outcomes.items() if error is None):
        audit_model(request, "unloaded", name)
    answer = {name: error.message if error else True for name, error in outcomes.items()}
    return JSONResponse(answer, headers=NO_STORE)


async def list_events(request: Request) -> Response:
    last = LAST.read(EVENTS.open(values_of(request.query_params, EVENTS)))
    found = services_of(request).models.events.last(int(last or MOST_EVENTS))
    return JSONResponse(asdict(ModelEventList(found)), headers=NO_STORE)


async def describe_models(services: Services) -> list[ModelDescription]:
    """Return each model with its state and its files, also one that was brought just now."""
    await services.models.look()
    # In a thread: it looks for files on the disk.
    return await asyncio.to_thread(_describe_models, services)


def _describe_models(services: Services) -> list[ModelDescription]:
    return [describe_model(services, model) for model in services.models]


def describe_model(services: Services, model: LoadedModel[Engine]) -> ModelDescription:
    """Return a model with its state and its files; it looks for them on the disk."""
    engine, lane = model.engine, model.lane
    obstacles = find_obstacles(engine, services.settings)
    return ModelDescription(
        **asdict(model.described(services.cleanup.unloads_in(model))),
        jobs=0 if lane is None else lane.jobs,
        estimated_bytes=services.models.estimates.estimate(engine),
        warm_up=services.warm_up.state_of(model.id),
        files=[describe_file(file, services.settings) for file in engine.weights],
        block=engine.block,
        can_run=not obstacles,
        obstacles=obstacles,
    )


def describe_file(file: WeightFile, settings: Settings) -> FileDescription:
    """Return whether a file is there and its size, else how to get it."""
    parts = [file.path_in(settings.models.path)]
    if not parts[0].is_file():
        parts = weights.packaged_parts(file)
    available = weights.source_of(file, settings) is not None
    return FileDescription(
        name=file.name,
        available=available,
        bytes=sum(part.stat().st_size for part in parts) if parts else None,
        how=None if available else weights.how_to_get(file, settings),
    )


def _id_in(fields: Fields) -> str:
    """Return the id that a body names, whole or by its parts."""
    id, engine, name = ID.read(fields), ENGINE.read(fields), NAME.read(fields)
    if id and (engine or name):
        raise BadRequest("id says which model; engine and name say it again.", field="engine")
    if not id and not engine:
        raise BadRequest("id is missing.", hint="GET /api/models lists the ids.", field="id")
    return id or named_id(engine or "", name or "")


async def _known_model(request: Request, id: str) -> tuple[LoadedModel[Engine], str]:
    """Give the model of an id, and the device that is named in it; an unknown one is a 404."""
    models = services_of(request).models
    id, device = split_device(id)
    await models.look(id)
    name = split_id(id)[1]
    if not models.has_engine(id) or (name and id not in models.ids()):
        raise NotFound(
            f"There is no model {id[:60]!r}; there are: {shortlist(models.ids())}.",
            code="model_not_found",
            hint="GET /api/models lists them.",
        )
    return models.model(id), device


async def _answer_for(request: Request, model: LoadedModel[Engine]) -> Response:
    found = await asyncio.to_thread(describe_model, services_of(request), model)
    return JSONResponse(asdict(found), headers=NO_STORE)


def audit_model(request: Request, event: str, name: str) -> None:
    """Write to the audit what somebody did to a model."""
    audit(event, model=name, key=caller_of(request.scope).key_id, request=request_id(request.scope))


ROUTES = [
    Route("/api/models", list_models),
    Route("/api/models/load", load_by_id, methods=["POST"]),
    Route("/api/models/unload", unload_by_id, methods=["POST"]),
    Route("/api/models/unload-all", unload_all, methods=["POST"]),
    Route("/api/models/events", list_events),
    Route("/api/models/{name}/load", load, methods=["POST"]),
    Route("/api/models/{name}/unload", unload, methods=["POST"]),
]
NOT_FOUND = codes(NotFound, "model_not_found")
UNNAMED = codes(BadRequest, "unknown_model")  # of an engine with several models
MOVES = (*codes(BadRequest, "unknown_device"), *codes(InUse))
OPERATIONS = [
    Operation(
        "GET",
        "/api/models",
        MODELS,
        "List the models with their state and files",
        (json_answer(ModelDescriptions, "Every model."),),
    ),
    Operation(
        "POST",
        "/api/models/load",
        MODELS,
        "Load a model by its id",
        (json_answer(ModelDescription, "The model, when it is loaded."),),
        (JSON_ERRORS, UNKNOWN_FIELD, NOT_FOUND, UNNAMED, MOVES, ENGINE_ERRORS),
        body=Body(LOAD, {"id": "hibari"}),
    ),
    Operation(
        "POST",
        "/api/models/unload",
        MODELS,
        "Unload a model by its id",
        (json_answer(ModelDescription, "The model, when it is unloaded."),),
        (JSON_ERRORS, UNKNOWN_FIELD, NOT_FOUND, UNNAMED, codes(InUse)),
        body=Body(UNLOAD, {"id": "hibari", "force": False}),
    ),
    Operation(
        "POST",
        "/api/models/unload-all",
        MODELS,
        "Unload every model",
        (json_answer(dict[str, bool | str], "By id: true, or the reason why it stays."),),
        (JSON_ERRORS, UNKNOWN_FIELD),
        body=Body(UNLOAD_ALL, {"force": False}),
    ),
    Operation(
        "GET",
        "/api/models/events",
        MODELS,
        "List the last events of models",
        (json_answer(ModelEventList, "The events, the newest first."),),
        (codes(BadRequest, "bad_request"), UNKNOWN_FIELD),
        parameters=(Parameter("query", LAST, 20),),
    ),
    Operation(
        "POST",
        "/api/models/{name}/load",
        MODELS,
        "Load a model",
        (json_answer(ModelDescription, "The model, when it is loaded."),),
        (NOT_FOUND, UNNAMED, MOVES, ENGINE_ERRORS),
        parameters=(Parameter("path", PATH_ID, "hibari"),),
    ),
    Operation(
        "POST",
        "/api/models/{name}/unload",
        MODELS,
        "Unload a model and free its memory",
        (json_answer(ModelDescription, "The model, when it is unloaded."),),
        (NOT_FOUND, UNNAMED, codes(InUse)),
        parameters=(Parameter("path", PATH_ID, "hibari"),),
    ),
]
