"""The server's state for monitors: alive, ready, what it runs on, and Prometheus' figures."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Literal, NotRequired, TypedDict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime import VERSION
from realtime.acceleration.cuda_health import CUDA_HEALTH
from realtime.models.gpu import find_gpu
from realtime.models.model_state import ModelState
from realtime.services import Services
from realtime.web.openapi.operation import JSON, SERVER, AnswerSpec, Operation, json_answer
from realtime.web.requests.services import services_of

SIGNATURES = "signed requests"  # in the list of what the server waits for, beside engines


@dataclass(frozen=True)
class Health:
    """The life of the server, and what it runs on."""

    status: Literal["healthy"]
    model_loaded: bool
    gpu_available: bool


class ServerReadiness(TypedDict):
    """The readiness of the server: what it waits for, and the engines that cannot be preloaded.

    `broken` says why it will not be ready before a restart.
    """

    ready: bool
    broken: NotRequired[str]
    waits_for: NotRequired[list[str]]
    failed: NotRequired[dict[str, str]]


@dataclass(frozen=True)
class ServerInfo:
    """The server's version, device, engines and number of characters."""

    version: str
    model_path: str
    device: str
    cuda_available: bool
    gpu_name: str | None
    gpu_memory: str | None
    engines: list[ModelState]
    characters: int


async def health(request: Request) -> Response:
    loaded = services_of(request).models.any_loaded()
    return JSONResponse(asdict(Health("healthy", loaded, find_gpu() is not None)))


async def ready(request: Request) -> Response:
    """Answer whether requests can be served; else say what the server waits for."""
    services = services_of(request)
    failed = services.preload.failed
    if services.ready:
        now: ServerReadiness = {"ready": True, "failed": failed} if failed else {"ready": True}
        return JSONResponse(now)
    waits_for = [*services.preload.waits_for]
    if not services.guard.accepts_signatures:
        waits_for.append(SIGNATURES)
    later: ServerReadiness = {"ready": False, "waits_for": waits_for, "failed": failed}
    if CUDA_HEALTH.error is not None:
        later["broken"] = f"CUDA cannot be used any more: restart the server. {CUDA_HEALTH.error}"
    return JSONResponse(later, 503, {"Retry-After": "1"})


async def info(request: Request) -> Response:
    # In a thread: characters are files, and an engine looks for its device.
    found = await asyncio.to_thread(_describe, services_of(request))
    return JSONResponse(asdict(found))


def _describe(services: Services) -> ServerInfo:
    gpu = find_gpu()
    return ServerInfo(
        version=VERSION,
        model_path=services.settings.models.path.name,
        device=services.models.device(),
        cuda_available=gpu is not None,
        gpu_name=gpu.name if gpu else None,
        gpu_memory=gpu.memory if gpu else None,
        engines=services.models.states(),
        characters=len(services.characters.all()),
    )


async def metrics(request: Request) -> Response:
    """Answer with all counters in the text format of Prometheus."""
    services = services_of(request)
    for name, jobs in services.models.job_counts():
        services.metrics.set_busy(name, jobs)
    networks = (await asyncio.to_thread(services.acceleration.described))["networks"]
    services.metrics.set_networks(networks)
    if (memory := await services.memory_monitor.status()) is not None:
        for device in memory.devices:
            services.metrics.set_device_memory(device.id, device.used_bytes, device.total_bytes)
    services.metrics.set_cache_size(services.cache.index.bytes, len(services.cache.index))
    return Response(services.metrics.prometheus_text(), media_type="text/plain; version=0.0.4")


ROUTES = [
    Route("/health", health),
    Route("/ready", ready),
    Route("/api/info", info),
    Route("/metrics", metrics),
]
OPERATIONS = [
    Operation(
        "GET",
        "/health",
        SERVER,
        "Ask whether the server lives",
        (json_answer(Health, "It does."),),
    ),
    Operation(
        "GET",
        "/ready",
        SERVER,
        "Ask whether the server is ready",
        (
            json_answer(
                ServerReadiness, "Every engine of `preload` has spoken once.", {"ready": True}
            ),
            AnswerSpec(503, "Not yet.", {JSON: ServerReadiness}, headers=("Retry-After",)),
        ),
    ),
    Operation(
        "GET",
        "/api/info",
        SERVER,
        "Ask what the server runs on",
        (json_answer(ServerInfo, "Its version, device, engines and number of characters."),),
    ),
    Operation(
        "GET",
        "/metrics",
        SERVER,
        "Read all counters, in Prometheus' form",
        (AnswerSpec(200, "The counters.", {"text/plain": str}),),
    ),
]
