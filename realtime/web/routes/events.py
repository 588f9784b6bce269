"""GET /api/events: what happens to models and memory, as server-sent events while it happens."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from realtime.errors import BadRequest, Busy
from realtime.services import Services
from realtime.web.open_sockets import OpenSockets
from realtime.web.openapi.error_codes import UNKNOWN_FIELD, codes
from realtime.web.openapi.operation import BYTES, MODELS, AnswerSpec, Operation, Parameter
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import NumberField
from realtime.web.requests.services import services_of
from realtime.web.requests.upload_form import values_of
from realtime.web.routes.models import NO_STORE

QUIET_SECONDS = 15.0  # after which a comment is sent, so that proxies keep the connection
COMMENT = b": still here\n\n"
EVENTS = "text/event-stream"
SECONDS = NumberField("seconds", "How long to follow; without it until you leave.", 0, 86_400)
QUERY = FieldTable("EventsQuery", (SECONDS,))


class EventFollower:
    """A client that follows the events, until it leaves or the server stops."""

    def __init__(self, services: Services, seconds: float | None = None) -> None:
        self._until = math.inf if seconds is None else time.monotonic() + seconds
        self._models = services.models.events
        self._monitor = services.memory_monitor
        self._seen_models = self._models.count
        alerts = self._monitor.alerts.last()
        self._seen_alert_ms = alerts[0].time_ms if alerts else 0
        self._ended = asyncio.Event()

    async def drain(self, seconds: float) -> None:
        """End at once: who follows comes again."""
        self._ended.set()

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Yield the memory as it is, then each change of models and memory."""
        yield await self._memory_event()
        while not self._ended.is_set() and time.monotonic() < self._until:
            changed = await self._wait_for_a_change()
            if not changed:
                yield COMMENT
            yield b"".join(self._model_events())
            if self._monitor.changed.wait in changed:
                yield await self._memory_event()
                yield b"".join(self._alert_events())

    async def _wait_for_a_change(self) -> set[Any]:
        """Wait for the next change; return the waits that ended, none after a quiet while."""
        waits = (self._models.changed.wait, self._monitor.changed.wait, self._ended.wait)
        tasks = {asyncio.ensure_future(wait()): wait for wait in waits}
        quiet = min(QUIET_SECONDS, max(0.0, self._until - time.monotonic()))
        try:
            done, _ = await asyncio.wait(tasks, timeout=quiet, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        return {tasks[task] for task in done}

    def _model_events(self) -> list[bytes]:
        fresh = self._models.count - self._seen_models
        self._seen_models = self._models.count
        return [event("model", asdict(each)) for each in reversed(self._models.last(fresh))]

    async def _memory_event(self) -> bytes:
        status = await self._monitor.status()
        return b"" if status is None else event("memory", asdict(status))

    def _alert_events(self) -> list[bytes]:
        fresh = [a for a in self._monitor.alerts.last() if a.time_ms > self._seen_alert_ms]
        if fresh:
            self._seen_alert_ms = fresh[0].time_ms
        return [event("alert", asdict(alert)) for alert in reversed(fresh)]


async def follow_events(request: Request) -> Response:
    sockets: OpenSockets = request.app.state.sockets
    fields = QUERY.open(values_of(request.query_params, QUERY))
    sockets.check_room()
    follower = EventFollower(services_of(request), SECONDS.read(fields))

    async def body() -> AsyncGenerator[bytes, None]:
        with sockets.holding(follower):
            async for part in follower.events():
                if part:
                    yield part

    return StreamingResponse(body(), media_type=EVENTS, headers=NO_STORE)


def event(name: str, content: Any) -> bytes:
    """Return an event in the form of the HTML standard."""
    return f"event: {name}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n".encode()


ROUTES = [Route("/api/events", follow_events)]
OPERATIONS = [
    Operation(
        "GET",
        "/api/events",
        MODELS,
        "Follow models and memory",
        (AnswerSpec(200, "Events `model`, `memory` and `alert`, as they come.", {EVENTS: BYTES}),),
        (codes(Busy, "draining", "too_many_sockets"), codes(BadRequest), UNKNOWN_FIELD),
        about="Server-sent events: `model` has an event of a model, `memory` what "
        "`GET /api/memory` has, `alert` an alert. Without `seconds` the answer does not end.",
        parameters=(Parameter("query", SECONDS, 1),),
    )
]
