"""Tasks for an operator: sets of models that are loaded together, and freed after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.engines.placeable import AUTO
from realtime.errors import BadRequest, NotFound
from realtime.models.tasks import (
    MOST_LIMIT_MB,
    MOST_MODELS,
    MOST_PRIORITY,
    TaskProfile,
)
from realtime.services import Services
from realtime.web.openapi.error_codes import JSON_ERRORS, UNKNOWN_FIELD, codes
from realtime.web.openapi.operation import (
    MODELS,
    AnswerSpec,
    Body,
    Operation,
    Parameter,
    json_answer,
)
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import FlagField, NamesField, TextField, WholeField
from realtime.web.requests.json_body import json_body
from realtime.web.requests.services import services_of
from realtime.web.routes.models import NO_STORE, audit_model

NAME = TextField("name", "The name of a task.")
IDS = NamesField("models", "The ids of its models, in the order of loading.", most=MOST_MODELS)
DEVICE = TextField("device", "The device that its models must run on.", default=AUTO)
PRIORITY = WholeField(
    "priority", "Of tasks that wait, the highest is first.", 0, MOST_PRIORITY, default=1
)
LIMIT = WholeField(
    "memory_limit_mb", "Megabytes that its models may take.", 1, MOST_LIMIT_MB, default=4_096
)
CLEANUP = FlagField("cleanup", "Whether cleaning up unloads its models.", default=True)
PROFILE = FieldTable("TaskProfile", (IDS, DEVICE, PRIORITY, LIMIT, CLEANUP))
EXAMPLE = {"models": ["kokoro", "world"], "priority": 1, "memory_limit_mb": 4_096, "cleanup": True}


@dataclass(frozen=True)
class TaskDescription(TaskProfile):
    """A task, and the models that it keeps loaded now."""

    name: str = ""
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskList:
    """Every task."""

    tasks: list[TaskDescription]


@dataclass(frozen=True)
class TaskResults:
    """The outcome for each model of a task, by its id."""

    results: Mapping[str, str]


async def list_tasks(request: Request) -> Response:
    services = services_of(request)
    found = TaskList([_describe(services, name) for name in services.tasks.all()])
    return JSONResponse(asdict(found), headers=NO_STORE)


async def one_task(request: Request) -> Response:
    """Answer with a task; a PUT makes or changes it first, a DELETE forgets it."""
    services, name = services_of(request), request.path_params["name"]
    if request.method == "DELETE":
        services.tasks.remove(name)
        return Response(status_code=204)
    if request.method == "PUT":
        fields = PROFILE.open(await json_body(request))
        services.tasks.put(
            name,
            TaskProfile(
                models=IDS.read(fields),
                device=DEVICE.read(fields) or AUTO,
                priority=PRIORITY.read(fields),
                memory_limit_mb=LIMIT.read(fields),
                cleanup=CLEANUP.read(fields),
            ),
        )
    return JSONResponse(asdict(_describe(services, name)), headers=NO_STORE)


async def preload(request: Request) -> Response:
    results = await services_of(request).tasks.preload(request.path_params["name"])
    return _answer(request, results, "loaded")


async def clean_up(request: Request) -> Response:
    results = await services_of(request).tasks.clean_up(request.path_params["name"])
    return _answer(request, results, "unloaded")


def _answer(request: Request, results: dict[str, str], event: str) -> Response:
    for id, outcome in results.items():
        if outcome == event:
            audit_model(request, event, id)
    return JSONResponse(asdict(TaskResults(results)), headers=NO_STORE)


def _describe(services: Services, name: str) -> TaskDescription:
    profile: dict[str, Any] = asdict(services.tasks.get(name))
    return TaskDescription(**profile, name=name, keeps=tuple(services.tasks.pinned(name)))


ROUTES = [
    Route("/api/tasks", list_tasks),
    Route("/api/tasks/{name}", one_task, methods=["GET", "PUT", "DELETE"]),
    Route("/api/tasks/{name}/preload", preload, methods=["POST"]),
    Route("/api/tasks/{name}/cleanup", clean_up, methods=["POST"]),
]
UNKNOWN_TASK = codes(NotFound, "task_not_found")
NAMED = (Parameter("path", NAME, "voice_conversion"),)
OPERATIONS = [
    Operation(
        "GET", "/api/tasks", MODELS, "List the tasks", (json_answer(TaskList, "Every task."),)
    ),
    Operation(
        "GET",
        "/api/tasks/{name}",
        MODELS,
        "Read a task",
        (json_answer(TaskDescription, "The task."),),
        (UNKNOWN_TASK,),
        parameters=NAMED,
    ),
    Operation(
        "PUT",
        "/api/tasks/{name}",
        MODELS,
        "Make or change a task, until the server stops",
        (json_answer(TaskDescription, "The task as it is now."),),
        (
            JSON_ERRORS,
            UNKNOWN_FIELD,
            codes(BadRequest, "unknown_model", "unknown_device", "too_many_tasks"),
        ),
        parameters=NAMED,
        body=Body(PROFILE, EXAMPLE),
    ),
    Operation(
        "POST",
        "/api/tasks/{name}/preload",
        MODELS,
        "Load the models of a task, and keep them loaded",
        (json_answer(TaskResults, "By id: `loaded`, or the reason why not."),),
        (UNKNOWN_TASK,),
        parameters=NAMED,
    ),
    Operation(
        "POST",
        "/api/tasks/{name}/cleanup",
        MODELS,
        "Let the models of a task go, and unload those that nobody uses",
        (json_answer(TaskResults, "By id: `unloaded`, `kept`, or the reason why it stays."),),
        (UNKNOWN_TASK,),
        parameters=NAMED,
    ),
    Operation(
        "DELETE",
        "/api/tasks/{name}",
        MODELS,
        "Forget a task; its models stay, and are free to go",
        (AnswerSpec(204, "It is forgotten."),),
        (UNKNOWN_TASK,),
        parameters=NAMED,
    ),
]
