"""POST /prefetch: a list of lines to be spoken ahead of time, how far it is, and an end to it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.errors import BadRequest, YamabikoError
from realtime.speech.prefetch import MOST_LINES, Prefetch
from realtime.speech.request import LineRequest
from realtime.web.requests.fields import Fields, object_in, refuse
from realtime.web.requests.json_body import content_type_of, json_body
from realtime.web.requests.services import account_of, services_of
from realtime.web.routes.lines import LINE_FIELDS, asked_line

NDJSON = ("application/x-ndjson", "application/jsonl")


async def begin(request: Request) -> Response:
    if content_type_of(request) in NDJSON:
        rows = [object_in(row) for row in (await request.body()).splitlines() if row.strip()]
    else:
        rows = _listed(await json_body(request))
    if not rows or len(rows) > MOST_LINES:
        raise BadRequest(f"lines has {len(rows)} lines; 1 to {MOST_LINES} are allowed.")
    wishes = [_wish(n, row) for n, row in enumerate(rows, 1)]
    account = account_of(request)
    await account.charge_text(sum(len(wish.text) for wish in wishes))
    found = services_of(request).prefetches.begin(wishes, account)
    return JSONResponse({"id": found.id, "total": found.total}, 202)


async def progress(request: Request) -> Response:
    return JSONResponse(_told(services_of(request).prefetches.get(request.path_params["id"])))


async def cancel(request: Request) -> Response:
    return JSONResponse(
        _told(await services_of(request).prefetches.cancel(request.path_params["id"]))
    )


def _listed(body: dict[str, Any]) -> list[dict[str, Any]]:
    Fields(body).only(("lines",))
    found = body.get("lines")
    if not isinstance(found, list):
        refuse("lines", found, "a list of lines")
    return found


def _wish(number: int, row: object) -> LineRequest:
    """One line of the list; what is wrong with it is told with its number."""
    if not isinstance(row, dict):
        refuse(f"line {number}", row, "an object with a text")
    try:
        return asked_line(row, LINE_FIELDS).wish
    except YamabikoError as error:
        error.message = f"line {number}: {error.message}"
        raise


def _told(found: Prefetch) -> dict[str, Any]:
    names = ("id", "total", "done", "failed", "state", "errors")
    return {name: getattr(found, name) for name in names}


ROUTES = [
    Route("/prefetch", begin, methods=["POST"]),
    Route("/prefetch/{id}", progress, methods=["GET"]),
    Route("/prefetch/{id}", cancel, methods=["DELETE"]),
]
