"""GET /api/status: the figures that an operator looks at, in one answer for the page."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime import VERSION
from realtime.access.roles import Role
from realtime.errors import BadRequest
from realtime.log import Trouble, Troubles
from realtime.models.gpu import Gpu, find_gpu
from realtime.models.process_memory import ProcessMemory, read_memory
from realtime.web.open_sockets import OpenSockets
from realtime.web.openapi.error_codes import UNKNOWN_FIELD, codes
from realtime.web.openapi.operation import SERVER, Operation, Parameter, json_answer
from realtime.web.requests.caller import caller_of
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import FlagField
from realtime.web.requests.services import services_of
from realtime.web.requests.upload_form import values_of
from realtime.web.routes.models import NO_STORE, ModelDescription, describe_models


@dataclass(frozen=True)
class CacheFigures:
    """The kept recordings, and the lines asked for since the start."""

    recordings: int
    bytes: int
    max_bytes: int
    growing: int
    hit: int
    join: int
    miss: int


@dataclass(frozen=True)
class SocketFigures:
    """The open sockets, and how many there may be."""

    open: int
    most: int


@dataclass(frozen=True)
class ServerStatus:
    """The figures that an operator looks at."""

    version: str
    ready: bool
    now_ms: int
    uptime_s: int
    key: str | None
    keys: bool
    role: Role
    gpu: Gpu | None
    memory: ProcessMemory
    models: list[ModelDescription]
    cache: CacheFigures
    sockets: SocketFigures
    broken_characters: dict[str, str]
    troubles: list[Trouble]


MODELS = FlagField("models", "Whether the models are listed too.", True)
QUERY = FieldTable("StatusQuery", (MODELS,))


async def status(request: Request) -> Response:
    lists_models = MODELS.read(QUERY.open(values_of(request.query_params, QUERY)))
    services, state = services_of(request), request.app.state
    sockets: OpenSockets = state.sockets
    troubles: Troubles = state.troubles
    cache, results = services.cache, services.metrics.requests_by_result()
    caller = caller_of(request.scope)
    broken = await asyncio.to_thread(lambda: dict(services.characters.broken))
    found = ServerStatus(
        version=VERSION,
        ready=services.ready,
        now_ms=round(1000 * time.time()),
        uptime_s=max(0, int(time.time()) - state.created),
        key=caller.key_id or None,
        keys=bool(services.guard.keys),
        role=caller.role,
        gpu=find_gpu(),
        memory=read_memory(),
        models=await describe_models(services) if lists_models else [],
        cache=CacheFigures(
            recordings=len(cache.index),
            bytes=cache.index.bytes,
            max_bytes=services.settings.cache.max_bytes,
            growing=cache.busy,
            hit=results.get("hit", 0),
            join=results.get("join", 0),
            miss=results.get("miss", 0),
        ),
        sockets=SocketFigures(len(sockets), services.settings.limits.all_sockets),
        broken_characters=broken,
        troubles=troubles.last(),
    )
    return JSONResponse(asdict(found), headers=NO_STORE)


ROUTES = [Route("/api/status", status)]
OPERATIONS = [
    Operation(
        "GET",
        "/api/status",
        SERVER,
        "Read the figures that an operator looks at",
        (json_answer(ServerStatus, "The figures, as the page's status panel shows them."),),
        (codes(BadRequest, "bad_request"), UNKNOWN_FIELD),
        parameters=(Parameter("query", MODELS, False),),
    )
]
