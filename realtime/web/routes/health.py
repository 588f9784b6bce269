"""The server's state for monitors: alive, ready, what it runs on, and Prometheus' figures."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.models.gpu import find_gpu
from realtime.services import VERSION, Services
from realtime.web.requests.services import services_of

SIGNATURES = "signed requests"  # in the list of what the server waits for, beside engines


async def health(request: Request) -> Response:
    loaded = services_of(request).models.any_loaded()
    return JSONResponse(
        {"status": "healthy", "model_loaded": loaded, "gpu_available": find_gpu() is not None}
    )


async def ready(request: Request) -> Response:
    """Answer whether requests can be served; else say what the server waits for."""
    services = services_of(request)
    failed = services.preload.failed
    if services.ready:
        return JSONResponse({"ready": True, **({"failed": failed} if failed else {})})
    waits_for = [*services.preload.waits_for]
    if not services.guard.accepts_signatures:
        waits_for.append(SIGNATURES)
    body = {"ready": False, "waits_for": waits_for, "failed": failed}
    return JSONResponse(body, 503, {"Retry-After": "1"})


async def info(request: Request) -> Response:
    # In a thread: characters are files, and an engine looks for its device.
    return JSONResponse(await asyncio.to_thread(_describe, services_of(request)))


def _describe(services: Services) -> dict[str, Any]:
    gpu = find_gpu()
    return {
        "version": VERSION,
        "model_path": services.settings.models.path.name,
        "device": services.models.device(),
        "cuda_available": gpu is not None,
        "gpu_name": gpu and gpu.name,
        "gpu_memory": gpu and gpu.memory,
        "engines": [asdict(state) for state in services.models.states()],
        "characters": len(services.characters.all()),
    }


async def metrics(request: Request) -> Response:
    """Answer with all counters in the text format of Prometheus."""
    services = services_of(request)
    for name, jobs in services.models.job_counts():
        services.metrics.set_busy(name, jobs)
    networks = (await asyncio.to_thread(services.acceleration.described))["networks"]
    services.metrics.set_networks(networks)
    services.metrics.set_cache_size(services.cache.index.bytes, len(services.cache.index))
    return Response(services.metrics.prometheus_text(), media_type="text/plain; version=0.0.4")


ROUTES = [
    Route("/health", health),
    Route("/ready", ready),
    Route("/api/info", info),
    Route("/metrics", metrics),
]
