"""The fork's figures: times of requests, and quick forms of networks, which can be switched."""

from __future__ import annotations

import asyncio
from typing import TypedDict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.errors import BadRequest
from realtime.services import Services
from realtime.web.compat.gpt_sovits.errors import GptSovitsError
from realtime.web.compat.gpt_sovits.message import SUCCESS, Message
from realtime.web.compat.gpt_sovits.state import state_of
from realtime.web.compat.gpt_sovits.values import NeededLooseField, flag_of
from realtime.web.entry.hosts_and_origins import check_page
from realtime.web.openapi.error_codes import FOREIGN_PAGE, codes
from realtime.web.openapi.operation import (
    GPT_SOVITS,
    JSON,
    AnswerSpec,
    Operation,
    Parameter,
    json_answer,
)
from realtime.web.requests.services import services_of

NO_STORE = {"Cache-Control": "no-store"}
GRAPHS = ("graphs", "eager_graphs")  # plans that record CUDA graphs
ENABLE = NeededLooseField("enable", "true or false.")


class PerformanceAnswer(TypedDict):
    """Seconds of all requests; each stage's sum and mean. Stages: see docs/gpt_sovits_api.md."""

    total_requests: int
    total_tts_time: float
    total_t2s_time: float
    total_vocoder_time: float
    total_postprocess_time: float
    total_wait_time: float
    avg_tts_time: float
    avg_t2s_time: float
    avg_vocoder_time: float
    avg_postprocess_time: float
    avg_wait_time: float
    requests_per_second: float
    failed_requests: int
    cuda_optimization_enabled: bool
    optimization_initialized: bool


class ChunkSettings(TypedDict):
    """The chunks of vocoders: mel frames, and the share that overlaps."""

    chunk_size: int
    overlap_ratio: float


class OptimizationDetails(TypedDict):
    """The state of quick forms."""

    cached_graph_shapes: int
    warmup_completed: bool
    performance_history_length: int
    avg_chunk_processing_time: float


class OptimizationStatus(TypedDict):
    """The quick forms of networks, as the fork tells of its own."""

    cuda_available: bool
    optimization_enabled: bool
    optimization_initialized: bool
    config: ChunkSettings
    optimization_details: OptimizationDetails


class Switched(TypedDict):
    """The result of switching quick forms."""

    success: bool
    message: str


class ConcurrentStats(TypedDict):
    """The requests under way."""

    concurrent_enabled: bool
    active_requests: int
    most_active_requests: int
    total_requests: int
    lines: int  # that engines work on, from every door


async def performance_stats(request: Request) -> Response:
    """Answer with the times of the requests since the start or the last reset."""
    networks = await asyncio.to_thread(_networks, services_of(request))
    return JSONResponse(
        {
            **state_of(request).stats.described(),
            "cuda_optimization_enabled": services_of(request).acceleration.enabled,
            "optimization_initialized": bool(networks),
        },
        headers=NO_STORE,
    )


async def reset_stats(request: Request) -> Response:
    check_page(request.scope, services_of(request).settings)
    state_of(request).stats.reset()
    return JSONResponse(SUCCESS)


async def optimization_status(request: Request) -> Response:
    """Answer whether networks run in their quick forms."""
    services, stats = services_of(request), state_of(request).stats.described()
    networks = await asyncio.to_thread(_networks, services)
    devices = await asyncio.to_thread(services.devices.read)
    vocoder = services.settings.vocoder
    status: OptimizationStatus = {
        "cuda_available": any(device.id.startswith("cuda") for device in devices),
        "optimization_enabled": services.acceleration.enabled,
        "optimization_initialized": bool(networks),
        "config": {
            "chunk_size": vocoder.vocoder_chunk_size,
            "overlap_ratio": vocoder.vocoder_overlap_ratio,
        },
        "optimization_details": {
            "cached_graph_shapes": sum(map(_graphs, networks)),
            "warmup_completed": services.ready,
            "performance_history_length": stats["total_requests"],
            "avg_chunk_processing_time": stats["avg_vocoder_time"],
        },
    }
    return JSONResponse(status, headers=NO_STORE)


async def toggle_optimization(request: Request) -> Response:
    """Switch the quick forms of all networks, as /api/acceleration does."""
    services = services_of(request)
    check_page(request.scope, services.settings)
    enable = flag_of(request.query_params, "enable")
    if enable is None:
        raise BadRequest("enable is required", field="enable")
    await asyncio.to_thread(services.acceleration.switch, enable)
    return JSONResponse(
        {"success": True, "message": f"optimization is {'on' if enable else 'off'}"}
    )


async def concurrent_stats(request: Request) -> Response:
    """Answer with the requests under way; lines of several voices are always spoken at once."""
    stats, models = state_of(request).stats, services_of(request).models
    lanes = [model.lane for model in models if model.lane is not None]
    answer: ConcurrentStats = {
        "concurrent_enabled": True,
        "active_requests": stats.active,
        "most_active_requests": stats.most_active,
        "total_requests": stats.described()["total_requests"],
        "lines": sum(lane.jobs for lane in lanes),
    }
    return JSONResponse(answer, headers=NO_STORE)


def _networks(services: Services) -> list[dict[str, object]]:
    networks: list[dict[str, object]] = services.acceleration.described()["networks"]
    return networks


def _graphs(network: dict[str, object]) -> int:
    """Count the shapes of a network for which a graph is recorded."""
    buckets = network.get("buckets")
    assert isinstance(buckets, list), "a network describes its buckets"
    return sum(each["plan"] in GRAPHS and each["state"] == "ready" for each in buckets)


ROUTES = [
    Route("/performance_stats", performance_stats),
    Route("/reset_performance_stats", reset_stats, methods=["POST"]),
    Route("/optimization_status", optimization_status),
    Route("/toggle_optimization", toggle_optimization, methods=["POST"]),
    Route("/concurrent_stats", concurrent_stats),
]

ABOUT = "See docs/gpt_sovits_api.md."
OPERATIONS = [
    Operation(
        "GET",
        "/performance_stats",
        GPT_SOVITS,
        "Ask for the times of requests",
        (json_answer(PerformanceAnswer, "The times, in seconds."),),
        about=ABOUT,
    ),
    Operation(
        "POST",
        "/reset_performance_stats",
        GPT_SOVITS,
        "Begin the times anew",
        (json_answer(Message, "They are empty."),),
        (FOREIGN_PAGE,),
        ABOUT,
    ),
    Operation(
        "GET",
        "/optimization_status",
        GPT_SOVITS,
        "Ask whether networks run in their quick forms",
        (json_answer(OptimizationStatus, "The state of quick forms."),),
        about=ABOUT,
    ),
    Operation(
        "POST",
        "/toggle_optimization",
        GPT_SOVITS,
        "Switch quick forms of networks on or off",
        (
            json_answer(Switched, "They are switched."),
            AnswerSpec(400, "`enable` is missing.", {JSON: GptSovitsError}),
        ),
        (FOREIGN_PAGE, codes(BadRequest)),
        ABOUT,
        (Parameter("query", ENABLE, True),),
    ),
    Operation(
        "GET",
        "/concurrent_stats",
        GPT_SOVITS,
        "Ask how many requests are under way",
        (json_answer(ConcurrentStats, "The requests under way."),),
        about=ABOUT,
    ),
]
