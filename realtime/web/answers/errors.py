"""Errors as answers: a status for each class, and the answer to each kind of failure."""

from __future__ import annotations

import json
import logging
import math
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ExceptionHandler, Receive, Scope, Send

from realtime.errors import (
    BadRequest,
    Busy,
    Forbidden,
    InUse,
    NotFound,
    Refused,
    SynthesisFailed,
    Taken,
    TooLarge,
    TooMany,
    TooSlow,
    Unavailable,
    WrongContentType,
    YamabikoError,
)
from realtime.web.answers.error_body import (
    INVALID_REQUEST,
    Refusal,
    bots_settings,
    error_body,
    is_for_bots,
    sent_status,
)
from realtime.web.compat.gpt_sovits.errors import gpt_sovits_status, is_gpt_sovits
from realtime.web.requests.request_id import request_id

logger = logging.getLogger(__name__)

STATUSES: dict[type[YamabikoError], int] = {
    BadRequest: 400,
    Refused: 401,
    Forbidden: 403,
    NotFound: 404,
    TooSlow: 408,
    Taken: 409,
    InUse: 409,
    TooLarge: 413,
    WrongContentType: 415,
    TooMany: 429,
    Busy: 503,
    Unavailable: 503,
    SynthesisFailed: 500,
    YamabikoError: 500,
}
CHALLENGE = 'Yamabiko realm="yamabiko"'
BUSY_SECONDS = 1.0  # Retry-After where a bound is reached and its end is not known


class ErrorResponse(Response):
    """A refusal in the form of the API that the request went to."""

    media_type = "application/json"

    def __init__(self, scope: Scope, refusal: Refusal) -> None:
        status = refusal.status
        if is_for_bots(scope):
            if status == 401:
                refusal = INVALID_REQUEST
            status = sent_status(scope, status, bots_settings(scope))
        elif is_gpt_sovits(scope["path"]):
            status = gpt_sovits_status(status)
        super().__init__(error_body(scope, refusal), status, dict(refusal.headers or {}))

    def render(self, content: Any) -> bytes:
        # A message may quote the request, and JSON can carry half a surrogate, which UTF-8 cannot.
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def status_of(kind: type[YamabikoError]) -> int:
    """Return the status of a class of errors."""
    return next(STATUSES[each] for each in kind.__mro__ if each in STATUSES)


def refusal_of(error: YamabikoError, now_ms: int | None = None) -> Refusal:
    """Return the refusal of an error: its class decides the status; 401 tells the time."""
    status = status_of(type(error))
    headers = _retry_after(error)
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    time = now_ms if status == 401 else None
    return Refusal(
        status, error.code, error.message, error.hint, error.field, headers, time, error.values
    )


async def send_instead(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer instead of calling the application; it also refuses a WebSocket's upgrade."""
    if scope["type"] == "websocket":
        await receive()  # the connect message, which ASGI has come first
        if "websocket.http.response" not in scope.get("extensions", {}):
            return await send({"type": "websocket.close", "code": 1008})
    await answer(scope, receive, send)


def _retry_after(error: YamabikoError) -> dict[str, str]:
    seconds = error.retry_after
    if seconds is None and isinstance(error, Busy):
        seconds = BUSY_SECONDS
    return {} if seconds is None else {"Retry-After": str(max(1, math.ceil(seconds)))}


async def answer_known_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, YamabikoError)
    refusal = refusal_of(error)
    if refusal.status >= 500:
        logger.warning("%s", error.message)
    return ErrorResponse(request.scope, refusal)


async def answer_routing_error(request: Request, error: Exception) -> Response:
    """Answer a path that there is not, or a method that the path does not have."""
    assert isinstance(error, HTTPException)
    target = f"{request.method} {request.url.path}"
    texts = {
        404: ("not_found", f"There is nothing at {target}."),
        405: ("method_not_allowed", f"{target} is not answered here; see the header Allow."),
    }
    phrase = HTTPStatus(error.status_code).phrase
    code, message = texts.get(error.status_code, (phrase.lower().replace(" ", "_"), phrase + "."))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return ErrorResponse(request.scope, Refusal(error.status_code, code, message, headers=headers))


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods of a path; starlette names only those of its first route."""
    routes = request.app.router.routes
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in matching for method in getattr(route, "methods", ())})


async def answer_fault(request: Request, error: Exception) -> Response:
    """Log a fault of the server, whose trace uvicorn logs, and answer it if nothing has yet."""
    logger.error("the request failed: %s", type(error).__name__)
    return fault_response(request.scope)


def fault_response(scope: Scope) -> Response:
    """Return the answer to a fault of the server: the request's id, and no more."""
    number = request_id(scope)
    refusal = Refusal(
        500,
        "internal_error",
        "Something went wrong here.",
        hint=f"The server's log says more under {number}.",
        headers={"X-Request-ID": number, "X-Content-Type-Options": "nosniff"},
    )
    return ErrorResponse(scope, refusal)


async def answer_disconnect(request: Request, error: Exception) -> Response:
    """Answer a client that left while it was sending; starlette wants an answer nobody reads."""
    return Response(status_code=400)


EXCEPTION_HANDLERS: dict[Any, ExceptionHandler] = {
    YamabikoError: answer_known_error,
    HTTPException: answer_routing_error,
    ClientDisconnect: answer_disconnect,
    Exception: answer_fault,
}
