"""GET and POST /api/acceleration: the state of accelerated networks, and their switch."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.acceleration.admin import AccelerationAdmin
from realtime.errors import BadRequest, NotFound
from realtime.web.openapi.error_codes import JSON_ERRORS, UNKNOWN_FIELD, codes
from realtime.web.openapi.operation import MODELS, Body, Operation, json_answer
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import FlagField, OptionalFlagField, TextField
from realtime.web.requests.fields import Fields
from realtime.web.requests.json_body import json_body
from realtime.web.requests.services import services_of

ENABLED = OptionalFlagField("enabled", "Whether the networks run in their quick forms.")
ENGINE = TextField("engine", "Only the networks of this engine.")
NETWORK = TextField("network", "Only networks of this name.")
CLEAR_MEMORY = FlagField("clear_memory", "Whether torch gives back the memory it holds unused.")
SWITCH = FieldTable("AccelerationSwitch", (ENABLED, ENGINE, NETWORK, CLEAR_MEMORY))


class AccelerationReport(TypedDict):
    """The state of every loaded network: its plan, hits, fallbacks, buckets and waste."""

    enabled: bool
    idle_seconds: float
    memory_fraction: float | None
    networks: list[dict[str, Any]]


async def acceleration(request: Request) -> Response:
    """Answer with the state of every network; a POST changes it first."""
    admin = services_of(request).acceleration
    if request.method == "POST":
        await _change(admin, SWITCH.open(await json_body(request)))
    body = await asyncio.to_thread(admin.described)
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


async def _change(admin: AccelerationAdmin, fields: Fields) -> None:
    """Switch all networks, those of one engine, or one; free their memory when asked to."""
    chosen: dict[str, Any] = {"engine": ENGINE.read(fields), "network": NETWORK.read(fields)}
    enabled, clear = ENABLED.read(fields), CLEAR_MEMORY.read(fields)
    if enabled is None and not clear:
        raise BadRequest(
            "enabled is missing; true or false is expected.",
            field="enabled",
            hint='For example {"enabled": false}.',
        )
    if enabled is not None:
        await asyncio.to_thread(admin.switch, enabled, **chosen)
    if clear:
        await asyncio.to_thread(admin.clear_memory, **chosen)


ROUTES = [Route("/api/acceleration", acceleration, methods=["GET", "POST"])]
OPERATIONS = [
    Operation(
        "GET",
        "/api/acceleration",
        MODELS,
        "Ask in which forms the networks run",
        (json_answer(AccelerationReport, "The state of every loaded network."),),
        about="See docs/acceleration.md.",
    ),
    Operation(
        "POST",
        "/api/acceleration",
        MODELS,
        "Switch quick forms of networks on or off, or free their memory",
        (json_answer(AccelerationReport, "The state of every loaded network after that."),),
        (JSON_ERRORS, UNKNOWN_FIELD, codes(NotFound, "network_not_found")),
        body=Body(SWITCH, {"enabled": False}),
    ),
]
