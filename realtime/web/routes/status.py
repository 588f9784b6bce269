"""GET /api/status: the figures that an operator looks at, in one answer for the page."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.log import Troubles
from realtime.models.gpu import find_gpu
from realtime.models.process_memory import read_memory
from realtime.services import VERSION
from realtime.web.open_sockets import OpenSockets
from realtime.web.requests.caller import caller_of
from realtime.web.requests.services import services_of
from realtime.web.routes.models import NO_STORE, describe_models


async def status(request: Request) -> Response:
    services, state = services_of(request), request.app.state
    sockets: OpenSockets = state.sockets
    troubles: Troubles = state.troubles
    cache, results = services.cache, services.metrics.requests_by_result()
    caller = caller_of(request.scope)
    broken = await asyncio.to_thread(lambda: dict(services.characters.broken))
    device = find_gpu()
    body = {
        "version": VERSION,
        "ready": services.ready,
        "now_ms": round(1000 * time.time()),
        "uptime_s": max(0, int(time.time()) - state.created),
        "key": caller.key_id or None,
        "keys": bool(services.guard.keys),
        "gpu": device and asdict(device),
        "memory": asdict(read_memory()),
        "models": await describe_models(services),
        "cache": {
            "recordings": len(cache.index),
            "bytes": cache.index.bytes,
            "max_bytes": services.settings.cache.max_bytes,
            "growing": cache.busy,
            **{name: results.get(name, 0) for name in ("hit", "join", "miss")},
        },
        "sockets": {"open": len(sockets), "most": services.settings.limits.all_sockets},
        "broken_characters": broken,
        "troubles": [asdict(trouble) for trouble in troubles.last()],
    }
    return JSONResponse(body, headers=NO_STORE)


ROUTES = [Route("/api/status", status)]
