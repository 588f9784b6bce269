"""POST /prefetch: lines to be spoken ahead of time; their progress, and their cancellation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.errors import BadRequest, Busy, NotFound, YamabikoError
from realtime.services import Services
from realtime.speech.prefetch import MOST_LINES, Prefetch
from realtime.speech.request import LineRequest
from realtime.web.openapi.error_codes import (
    JSON_ERRORS,
    LINE_ERRORS,
    UNKNOWN_FIELD,
    codes,
)
from realtime.web.openapi.operation import RECORDINGS, Body, Operation, Parameter, json_answer
from realtime.web.requests.field_table import FieldTable, RowsField
from realtime.web.requests.field_types import TextField
from realtime.web.requests.fields import object_in, refuse
from realtime.web.requests.json_body import content_type_of, json_body
from realtime.web.requests.line import LINE, read_line_request
from realtime.web.requests.services import account_of, services_of

NDJSON = ("application/x-ndjson", "application/jsonl")
LINES = RowsField("lines", "The lines, in the order in which they are spoken.", LINE, MOST_LINES)
LIST = FieldTable("Prefetch", (LINES,))

ID = TextField("id", "The id of a list.")


@dataclass(frozen=True)
class PrefetchAnswer:
    """A list that is being spoken ahead of time."""

    id: str
    total: int


@dataclass(frozen=True)
class PrefetchProgress:
    """The progress of such a list; the first errors are told, all are counted."""

    id: str
    total: int
    done: int
    failed: int
    state: Literal["running", "finished", "cancelled"]
    errors: list[str]


async def start_prefetch(request: Request) -> Response:
    """Start to speak a list of lines; answer with the list's id at once."""
    rows = await _read_rows(request)
    if not rows or len(rows) > MOST_LINES:
        raise BadRequest(f"lines has {len(rows)} lines; 1 to {MOST_LINES} are allowed.")
    services, account = services_of(request), account_of(request)
    await services.models.look(kind="speak")  # a line may name one that was brought just now
    line_requests = [_line_request(number, row, services) for number, row in enumerate(rows, 1)]
    await account.charge_text(sum(len(each.text) for each in line_requests))
    started = services.prefetches.begin(line_requests, account)
    return JSONResponse(asdict(PrefetchAnswer(started.id, started.total)), 202)


async def show_progress(request: Request) -> Response:
    prefetches = services_of(request).prefetches
    return _progress(prefetches.get(request.path_params["id"]))


async def cancel_prefetch(request: Request) -> Response:
    prefetches = services_of(request).prefetches
    return _progress(await prefetches.cancel(request.path_params["id"]))


async def _read_rows(request: Request) -> list[dict[str, Any]]:
    """Read the lines from a JSON object, or from a body with one JSON object a row."""
    if content_type_of(request) in NDJSON:
        return [object_in(row) for row in (await request.body()).splitlines() if row.strip()]
    return LINES.read(LIST.open(await json_body(request)))


def _line_request(number: int, row: object, services: Services) -> LineRequest:
    """Read one line of the list; its errors name its number."""
    if not isinstance(row, dict):
        refuse(f"line {number}", row, "an object with a text")
    try:
        read = read_line_request(row)
        services.speech.check_written(read)
        return read
    except YamabikoError as error:
        error.message = f"line {number}: {error.message}"
        raise


def _progress(prefetch: Prefetch) -> Response:
    found = PrefetchProgress(
        id=prefetch.id,
        total=prefetch.total,
        done=prefetch.done,
        failed=prefetch.failed,
        state=prefetch.state,
        errors=prefetch.errors,
    )
    return JSONResponse(asdict(found))


ROUTES = [
    Route("/prefetch", start_prefetch, methods=["POST"]),
    Route("/prefetch/{id}", show_progress, methods=["GET"]),
    Route("/prefetch/{id}", cancel_prefetch, methods=["DELETE"]),
]
NOT_FOUND = codes(NotFound, "prefetch_not_found")
OPERATIONS = [
    Operation(
        "POST",
        "/prefetch",
        RECORDINGS,
        "Have lines spoken ahead of time",
        (
            json_answer(
                PrefetchAnswer,
                "The list's id; its lines are spoken while nobody waits for an engine.",
                {"id": "0f1e2d3c4b5a6978", "total": 2},
                status=202,
            ),
        ),
        (JSON_ERRORS, UNKNOWN_FIELD, LINE_ERRORS, codes(Busy)),
        body=Body(
            LIST,
            {"lines": [{"text": "Hello."}, {"text": "Good bye.", "character": "af_heart"}]},
            others=dict.fromkeys(NDJSON, "One JSON object of `lines` a row."),
        ),
    ),
    Operation(
        "GET",
        "/prefetch/{id}",
        RECORDINGS,
        "Ask how far a list is",
        (json_answer(PrefetchProgress, "Its progress."),),
        (NOT_FOUND,),
        parameters=(Parameter("path", ID, "0f1e2d3c4b5a6978"),),
    ),
    Operation(
        "DELETE",
        "/prefetch/{id}",
        RECORDINGS,
        "Cancel the rest of a list",
        (json_answer(PrefetchProgress, "Its progress when it was cancelled."),),
        (NOT_FOUND,),
        parameters=(Parameter("path", ID, "0f1e2d3c4b5a6978"),),
    ),
]
