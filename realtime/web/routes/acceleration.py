"""GET and POST /api/acceleration: the state of accelerated networks, and their switch."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.acceleration.admin import AccelerationAdmin
from realtime.errors import BadRequest
from realtime.web.requests.fields import Fields
from realtime.web.requests.json_body import json_body
from realtime.web.requests.services import services_of

FIELDS = ("enabled", "engine", "network", "clear_memory")


async def acceleration(request: Request) -> Response:
    """Answer with the state of every network; a POST changes it first."""
    admin = services_of(request).acceleration
    if request.method == "POST":
        await _change(admin, Fields(await json_body(request)))
    body = await asyncio.to_thread(admin.described)
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


async def _change(admin: AccelerationAdmin, fields: Fields) -> None:
    """Switch all networks, those of one engine, or one; free their memory when asked to."""
    fields.refuse_unknown(FIELDS)
    chosen: dict[str, Any] = {"engine": fields.text("engine"), "network": fields.text("network")}
    enabled, clear = fields.optional_flag("enabled"), fields.flag("clear_memory")
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
