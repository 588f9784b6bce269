"""The quick forms of networks: how they do, and their switch; it knows no plan."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.errors import BadRequest
from realtime.web.requests.fields import Fields
from realtime.web.requests.json_body import json_body
from realtime.web.requests.services import services_of

FIELDS = ("enabled", "engine", "network", "clear_memory")


async def acceleration(request: Request) -> Response:
    if request.method == "POST":
        await _switched(request, Fields(await json_body(request)))
    told = await asyncio.to_thread(services_of(request).acceleration.described)
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


async def _switched(request: Request, fields: Fields) -> None:
    """On or off for all, for an engine or for one network; memory is given back when asked for."""
    fields.only(FIELDS)
    board = services_of(request).acceleration
    chosen: dict[str, Any] = {"engine": fields.text("engine"), "network": fields.text("network")}
    enabled, clear = _wish(fields, "enabled"), _wish(fields, "clear_memory")
    if enabled is None and not clear:
        raise BadRequest(
            "enabled is missing; true or false is expected.",
            field="enabled",
            hint='For example {"enabled": false}.',
        )
    if enabled is not None:
        await asyncio.to_thread(board.switch, enabled, **chosen)
    if clear:
        await asyncio.to_thread(board.clear_memory, **chosen)


def _wish(fields: Fields, name: str) -> bool | None:
    """A flag, or None where it is left open."""
    on, off = fields.flag(name, True), fields.flag(name, False)
    return on if on == off else None


ROUTES = [Route("/api/acceleration", acceleration, methods=["GET", "POST"])]
