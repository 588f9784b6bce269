"""The engines as an operator has them: what they need, load and unload; it speaks nothing."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime import weights
from realtime.errors import NotFound, shortlist
from realtime.log import audit
from realtime.services import Services
from realtime.settings import Settings
from realtime.web.requests.caller import caller_of
from realtime.web.requests.request_id import request_id
from realtime.web.requests.services import services_of
from realtime.weights import WeightFile

NO_STORE = {"Cache-Control": "no-store"}


async def models(request: Request) -> Response:
    described = await described_models(services_of(request))
    return JSONResponse({"models": described}, headers=NO_STORE)


async def load(request: Request) -> Response:
    """Answers when the engine is loaded; whoever asked and left does not stop that."""
    services, name = services_of(request), _named(request)
    await services.models.load(name)
    return await _done(request, services, name, "loaded")


async def unload(request: Request) -> Response:
    """Refused while somebody uses the engine."""
    services, name = services_of(request), _named(request)
    await services.models.unload(name)
    return await _done(request, services, name, "unloaded")


async def described_models(services: Services) -> list[dict[str, Any]]:
    """Each engine with its state and its files."""
    # Looking for files asks the disk.
    return await asyncio.to_thread(_described, services)


def _described(services: Services) -> list[dict[str, Any]]:
    busy = dict(services.models.job_counts())
    found = []
    for state in services.models.states():
        files = services.models.engine(state.name).weights
        told = [described_file(file, services.settings) for file in files]
        found.append({**asdict(state), "jobs": busy.get(state.name, 0), "files": told})
    return found


def described_file(file: WeightFile, settings: Settings) -> dict[str, Any]:
    """One file of an engine: whether it is there, how large it is, else how to get it."""
    parts = [file.path_in(settings.models.path)]
    if not parts[0].is_file():
        parts = weights.packaged_parts(file)
    available = weights.source_of(file, settings) is not None
    return {
        "name": file.name,
        "available": available,
        "bytes": sum(part.stat().st_size for part in parts) if parts else None,
        "how": None if available else weights.how_to_get(file, settings),
    }


def _named(request: Request) -> str:
    name: str = request.path_params["name"]
    known = services_of(request).models.names()
    if name not in known:
        raise NotFound(
            f"There is no model {name[:60]!r}; there are: {shortlist(known)}.",
            code="model_not_found",
            hint="GET /api/models lists them.",
        )
    return name


async def _done(request: Request, services: Services, name: str, event: str) -> Response:
    audit(event, model=name, key=caller_of(request.scope).key_id, request=request_id(request.scope))
    described = await described_models(services)
    return JSONResponse(next(each for each in described if each["name"] == name), headers=NO_STORE)


ROUTES = [
    Route("/api/models", models),
    Route("/api/models/{name}/load", load, methods=["POST"]),
    Route("/api/models/{name}/unload", unload, methods=["POST"]),
]
