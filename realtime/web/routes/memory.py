"""The devices and their memory, for an operator: now, in the last hour, and where it runs out."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.errors import BadRequest, Unavailable
from realtime.models.cleanup import Optimised
from realtime.models.device_readings import Device
from realtime.models.memory_alerts import Alert
from realtime.models.memory_monitor import (
    HISTORY_MINUTES,
    MemoryPoint,
    MemoryStatus,
    Statistics,
)
from realtime.settings import bounds_of
from realtime.web.openapi.error_codes import JSON_ERRORS, UNKNOWN_FIELD, codes
from realtime.web.openapi.operation import MODELS, Body, Operation, Parameter, json_answer
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import NumberField, OptionalFlagField
from realtime.web.requests.json_body import json_body
from realtime.web.requests.services import services_of
from realtime.web.requests.upload_form import values_of
from realtime.web.routes.models import NO_STORE, audit_model

MINUTES = NumberField("minutes", "How far back.", least=0, most=HISTORY_MINUTES)
HISTORY = FieldTable("MemoryHistoryQuery", (MINUTES,))
ENABLED = OptionalFlagField("enabled", "Whether models are unloaded by themselves.")
IDLE_MINUTES = NumberField(
    "idle_timeout_minutes",
    "Minutes after which an unused model is unloaded.",
    *bounds_of("gpu.idle_timeout_minutes"),
)
THRESHOLD = NumberField(
    "cleanup_threshold_percent",
    "Use of a device's memory from which unused models are unloaded.",
    *bounds_of("gpu.cleanup_threshold_percent"),
)
CLEANUP = FieldTable("MemoryCleanup", (ENABLED, IDLE_MINUTES, THRESHOLD))
UNREADABLE = codes(Unavailable, "devices_unreadable")


@dataclass(frozen=True)
class DeviceList:
    """The devices that models run on."""

    devices: list[Device]


@dataclass(frozen=True)
class MemoryHistory:
    """The memory of the last minutes, the oldest point first."""

    points: list[MemoryPoint]
    interval_s: float
    monitoring: bool
    statistics: dict[str, Statistics]  # of each device, over all that is remembered


@dataclass(frozen=True)
class CleanupState:
    """The rules by which models are unloaded by themselves."""

    enabled: bool
    idle_timeout_minutes: float
    cleanup_threshold_percent: float


@dataclass(frozen=True)
class AlertList:
    """The last alerts, the newest first."""

    alerts: list[Alert]


async def list_devices(request: Request) -> Response:
    found = await _status(request)
    return JSONResponse(asdict(DeviceList(found.devices)), headers=NO_STORE)


async def show_memory(request: Request) -> Response:
    return JSONResponse(asdict(await _status(request)), headers=NO_STORE)


async def show_history(request: Request) -> Response:
    monitor = services_of(request).memory_monitor
    fields = HISTORY.open(values_of(request.query_params, HISTORY))
    minutes = MINUTES.read(fields)
    points = monitor.history(HISTORY_MINUTES if minutes is None else minutes)
    found = MemoryHistory(points, monitor.interval, monitor.running, monitor.statistics())
    return JSONResponse(asdict(found), headers=NO_STORE)


async def list_alerts(request: Request) -> Response:
    found = AlertList(services_of(request).memory_monitor.alerts.last())
    return JSONResponse(asdict(found), headers=NO_STORE)


async def cleanup_by_itself(request: Request) -> Response:
    """Answer with how models are unloaded by themselves; a PUT changes it first."""
    cleanup = services_of(request).cleanup
    if request.method == "PUT":
        fields = CLEANUP.open(await json_body(request))
        enabled, minutes = ENABLED.read(fields), IDLE_MINUTES.read(fields)
        threshold = THRESHOLD.read(fields)
        cleanup.change(enabled, minutes, threshold)
    found = CleanupState(cleanup.enabled, cleanup.idle_seconds / 60, cleanup.threshold_percent)
    return JSONResponse(asdict(found), headers=NO_STORE)


async def optimise(request: Request) -> Response:
    """Unload every model that nobody uses."""
    found = await services_of(request).cleanup.optimise()
    for name in found.unloaded:
        audit_model(request, "unloaded", name)
    return JSONResponse(asdict(found), headers=NO_STORE)


async def _status(request: Request) -> MemoryStatus:
    found = await services_of(request).memory_monitor.status()
    if found is None:
        raise Unavailable(
            "The devices of this machine cannot be read.",
            code="devices_unreadable",
            hint="The server's log says why.",
        )
    return found


ROUTES = [
    Route("/api/devices", list_devices),
    Route("/api/memory", show_memory),
    Route("/api/memory/history", show_history),
    Route("/api/memory/alerts", list_alerts),
    Route("/api/memory/optimize", optimise, methods=["POST"]),
    Route("/api/memory/cleanup", cleanup_by_itself, methods=["GET", "PUT"]),
]
OPERATIONS = [
    Operation(
        "GET",
        "/api/devices",
        MODELS,
        "List the processor and the GPUs with their memory, load and temperature",
        (json_answer(DeviceList, "Every device; what is not known is null."),),
        (UNREADABLE,),
    ),
    Operation(
        "GET",
        "/api/memory",
        MODELS,
        "Read the memory as it is now",
        (json_answer(MemoryStatus, "The memory of the machine and of each device."),),
        (UNREADABLE,),
    ),
    Operation(
        "GET",
        "/api/memory/history",
        MODELS,
        "Read the memory of the last minutes",
        (json_answer(MemoryHistory, "Points, the oldest first, and statistics of each device."),),
        (codes(BadRequest, "bad_request", "unknown_field"),),
        parameters=(Parameter("query", MINUTES, 10),),
    ),
    Operation(
        "GET",
        "/api/memory/alerts",
        MODELS,
        "List the last alerts about memory",
        (json_answer(AlertList, "The alerts, the newest first."),),
    ),
    Operation(
        "POST",
        "/api/memory/optimize",
        MODELS,
        "Unload every model that nobody uses",
        (json_answer(Optimised, "Which models were unloaded, and what that freed."),),
    ),
    Operation(
        "GET",
        "/api/memory/cleanup",
        MODELS,
        "Ask when models are unloaded by themselves",
        (json_answer(CleanupState, "How it is now."),),
    ),
    Operation(
        "PUT",
        "/api/memory/cleanup",
        MODELS,
        "Change when models are unloaded by themselves, until the server stops",
        (json_answer(CleanupState, "How it is from now on."),),
        (JSON_ERRORS, UNKNOWN_FIELD),
        body=Body(CLEANUP, {"enabled": True, "idle_timeout_minutes": 30}),
    ),
]
