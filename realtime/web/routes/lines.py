"""POST /lines: a line in, a URL out, at once; GET /lines/{key}: the state of its recording."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.cache import SIDECAR, WAV, Address, FinishedRecording
from realtime.cache.other_formats import suffix_of
from realtime.errors import NotFound
from realtime.services import Services
from realtime.speech.notices import LineNotice
from realtime.web.answers.error_body import ErrorContent, own_error
from realtime.web.answers.links import Links
from realtime.web.openapi.error_codes import (
    FORMAT_ERRORS,
    JSON_ERRORS,
    LINE_ERRORS,
    LINK_ERRORS,
    OPENING_ERRORS,
    RECORDING_ERRORS,
    UNKNOWN_FIELD,
)
from realtime.web.openapi.operation import RECORDINGS, Body, Operation, Parameter, json_answer
from realtime.web.requests.field_types import TextField
from realtime.web.requests.json_body import json_body
from realtime.web.requests.line import RECORDING as BODY
from realtime.web.requests.line import read_recording_request
from realtime.web.requests.services import account_of, services_of

KEY = TextField("key", "The key of a recording: 16 hexadecimal digits.")


@dataclass(frozen=True)
class LineAnswer:
    """A line's recording: its URL plays at once, also while the line is being spoken."""

    url: str
    key: str
    status: Literal["hit", "join", "miss"]
    duration: float | None  # seconds, where it is finished
    timestamps_url: str | None
    expires_at: int | None
    notices: list[LineNotice]


@dataclass(frozen=True)
class RecordingState:
    """The state of a recording."""

    key: str
    state: Literal["growing", "finished", "failed"]
    duration: float | None
    url: str
    error: ErrorContent | None


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
    answer = LineAnswer(
        url=links.url(address, suffix),
        key=address.key,
        status=opened.result,
        duration=finished.sidecar.duration if finished else None,
        timestamps_url=links.url(address, SIDECAR),
        expires_at=links.expires_at,
        notices=list(line.notices),
    )
    return JSONResponse(asdict(answer))


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
    return JSONResponse(asdict(await _state_of(services, address, links.url(address, WAV))))


async def _state_of(services: Services, address: Address, url: str) -> RecordingState:
    key = address.key
    if services.cache.growing(key) is None:
        finished = await services.cache.find_finished(address, WAV)
        if finished is not None:
            return RecordingState(key, "finished", finished.sidecar.duration, url, None)
        if (error := services.cache.failures.error(key)) is not None:
            return RecordingState(key, "failed", None, url, own_error(error))
    return RecordingState(key, "growing", None, url, None)


ROUTES = [
    Route("/lines", open_line, methods=["POST"]),
    Route("/lines/{key}", show_state, methods=["GET"]),
]
OPERATIONS = [
    Operation(
        "POST",
        "/lines",
        RECORDINGS,
        "Get the URL of a line's recording, at once",
        (
            json_answer(
                LineAnswer,
                "The URL, which plays at once: the line is spoken to its end, listened to or not.",
                {
                    "url": "http://127.0.0.1:8000/audio/en/af_heart/short/hello-6d518c6fde0d2bda.wav",
                    "key": "6d518c6fde0d2bda",
                    "status": "miss",
                    "duration": None,
                    "timestamps_url": "http://127.0.0.1:8000/audio/en/af_heart/short/"
                    "hello-6d518c6fde0d2bda.json",
                    "expires_at": None,
                    "notices": [],
                },
            ),
        ),
        (
            JSON_ERRORS,
            UNKNOWN_FIELD,
            LINE_ERRORS,
            FORMAT_ERRORS,
            LINK_ERRORS,
            OPENING_ERRORS,
        ),
        body=Body(BODY, {"text": "Hello.", "character": "af_heart"}),
    ),
    Operation(
        "GET",
        "/lines/{key}",
        RECORDINGS,
        "Ask for the state of a recording",
        (json_answer(RecordingState, "Whether it grows, is finished, or failed and why."),),
        (RECORDING_ERRORS, LINK_ERRORS),
        parameters=(Parameter("path", KEY, "6d518c6fde0d2bda"),),
    ),
]
