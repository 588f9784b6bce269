"""POST /lines: a line in, a URL out, at once; GET /lines/{key}: the state of its recording."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.cache import SIDECAR, WAV, Address, FinishedRecording
from realtime.cache.other_formats import suffix_of
from realtime.errors import NotFound
from realtime.services import Services
from realtime.web.answers.errors import own_error
from realtime.web.answers.links import Links
from realtime.web.requests.json_body import json_body
from realtime.web.requests.line import read_recording_request
from realtime.web.requests.services import account_of, services_of


async def open_line(request: Request) -> Response:
    """Answer with the URL of a line's recording, which plays while the line is being spoken."""
    services, account = services_of(request), account_of(request)
    links = Links(services, request)
    wanted = read_recording_request(await json_body(request))
    line = await services.speech.line(wanted.line_request)
    await account.charge_text(len(line.text))
    suffix = suffix_of(wanted.format, wanted.sample_rate, services.speech.sample_rate(line))
    async with services.speech.open(line, finish=True) as opened:
        address = opened.address
        account.charge_recording(opened.result, opened.source)
        finished = opened.source if isinstance(opened.source, FinishedRecording) else None
    return JSONResponse(
        {
            "url": links.url(address, suffix),
            "key": address.key,
            "status": opened.result,
            "duration": finished and finished.sidecar.duration,
            "timestamps_url": links.url(address, SIDECAR),
            "expires_at": links.expires_at,
            "notices": [asdict(notice) for notice in line.notices],
        }
    )


async def show_state(request: Request) -> Response:
    """Answer whether a recording grows, is finished, or failed and why."""
    services = services_of(request)
    links = Links(services, request)
    key = request.path_params["key"]
    address = services.cache.address(key)
    if address is None:
        raise NotFound(
            f"There is no recording with the key {key[:32]!r}.",
            code="recording_not_found",
            hint="Ask for the line again: it is spoken anew.",
        )
    body = {"key": key, "duration": None, "url": links.url(address, WAV), "error": None}
    return JSONResponse(body | await _state_of(services, address))


async def _state_of(services: Services, address: Address) -> dict[str, Any]:
    if services.cache.growing(address.key) is None:
        finished = await services.cache.find_finished(address, WAV)
        if finished is not None:
            return {"state": "finished", "duration": finished.sidecar.duration}
        if address.key in services.cache.failures:
            error = services.cache.failures[address.key][1]
            return {"state": "failed", "error": own_error(error)}
    return {"state": "growing"}


ROUTES = [
    Route("/lines", open_line, methods=["POST"]),
    Route("/lines/{key}", show_state, methods=["GET"]),
]
