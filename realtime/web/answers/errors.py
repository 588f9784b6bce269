"""Errors as answers: one table from class to status, two envelopes; it knows no door."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
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
from realtime.settings import GenerateSettings
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
BUSY_SECONDS = 1.0  # when a bound is reached and nobody knows for how long
# What the core's fields and codes are called in OpenAI's shape.
OPENAI_FIELDS = {"text": "input", "character": "voice", "engine": "model"}
OPENAI_CODES = {"character_not_found": "voice_not_found"}


@dataclass(frozen=True)
class Refusal:
    """What a client is told."""

    status: int
    code: str
    message: str
    hint: str | None = None
    field: str | None = None
    headers: Mapping[str, str] | None = None
    now_ms: int | None = None  # the server's time, where a client may need to correct its own


# What bots are told who are not let in, whatever the reason.
INVALID_REQUEST = Refusal(403, "invalid_request", "Invalid Request")


class ErrorResponse(Response):
    media_type = "application/json"

    def __init__(self, scope: Scope, refusal: Refusal) -> None:
        if in_bots_shape(scope) and refusal.status == 401:
            refusal = INVALID_REQUEST
        content = envelope(scope, refusal)
        status = 200 if in_bots_shape(scope) and _bots(scope).always_200 else refusal.status
        super().__init__(content, status, dict(refusal.headers or {}))

    def render(self, content: Any) -> bytes:
        # A message may quote what came, and what came may be no text that UTF-8 has.
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def envelope(scope: Scope, refusal: Refusal) -> dict[str, Any]:
    """The error's body: OpenAI's under /v1, the bots' under /generate, our own elsewhere."""
    hinted = f"{refusal.message} {refusal.hint}" if refusal.hint else refusal.message
    if in_bots_shape(scope):
        return bots_body(scope, refusal.status, error=hinted)
    time = {} if refusal.now_ms is None else {"now_ms": refusal.now_ms}
    if not in_openai_shape(scope):
        told = {"code": refusal.code, "message": refusal.message, "hint": refusal.hint}
        return {"error": told | time}
    field = refusal.field and OPENAI_FIELDS.get(refusal.field, refusal.field)
    return {
        "error": {
            "message": hinted,
            "type": "invalid_request_error" if refusal.status < 500 else "server_error",
            "param": field,
            "code": OPENAI_CODES.get(refusal.code, refusal.code),
            **time,
        }
    }


def in_openai_shape(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/v1" or path.startswith("/v1/")


def in_bots_shape(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/generate"


def bots_body(
    scope: Scope, code: int, url: str | None = None, error: str | None = None
) -> dict[str, Any]:
    """What bots read; some of them were written for codes that are texts."""
    return {
        "audioURL": url,
        "code": str(code) if _bots(scope).string_codes else code,
        "error": error,
    }


def _bots(scope: Scope) -> GenerateSettings:
    app = scope.get("app")
    found: GenerateSettings = app.state.services.settings.generate if app else GenerateSettings()
    return found


def refusal_of(error: YamabikoError, now_ms: int | None = None) -> Refusal:
    """The status of an error by its class, and when to come again."""
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    headers = _retry_after(error)
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    time = now_ms if status == 401 else None
    return Refusal(status, error.code, error.message, error.hint, error.field, headers, time)


async def deny(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """An answer instead of a door: for a socket, to its request to be one."""
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            return await send({"type": "websocket.close", "code": 1008})
    await answer(scope, receive, send)


def _retry_after(error: YamabikoError) -> dict[str, str]:
    seconds = error.retry_after
    if seconds is None and isinstance(error, Busy):
        seconds = BUSY_SECONDS
    return {} if seconds is None else {"Retry-After": str(max(1, math.ceil(seconds)))}


async def known(request: Request, error: Exception) -> Response:
    assert isinstance(error, YamabikoError)
    refusal = refusal_of(error)
    if refusal.status >= 500:
        logger.warning("request %s: %s", request_id(request.scope), error.message)
    return ErrorResponse(request.scope, refusal)


async def routing(request: Request, error: Exception) -> Response:
    """No such door, or not this way through it."""
    assert isinstance(error, HTTPException)
    asked = f"{request.method} {request.url.path}"
    texts = {
        404: ("not_found", f"There is nothing at {asked}."),
        405: ("method_not_allowed", f"{asked} is not answered here; see the header Allow."),
    }
    phrase = HTTPStatus(error.status_code).phrase
    code, message = texts.get(error.status_code, (phrase.lower().replace(" ", "_"), phrase + "."))
    refusal = Refusal(error.status_code, code, message, headers=error.headers)
    return ErrorResponse(request.scope, refusal)


async def unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours; the server logs the trace itself, the client gets only the number."""
    number = request_id(request.scope)
    logger.error("request %s failed: %s", number, type(error).__name__)
    refusal = Refusal(
        500,
        "internal_error",
        "Something went wrong here.",
        hint=f"The server's log says more under {number}.",
        headers={"X-Request-ID": number, "X-Content-Type-Options": "nosniff"},
    )
    return ErrorResponse(request.scope, refusal)


async def gone(request: Request, error: Exception) -> Response:
    """The client left while it was sending: nobody reads this."""
    return Response(status_code=400)


HANDLERS: dict[Any, ExceptionHandler] = {
    YamabikoError: known,
    HTTPException: routing,
    ClientDisconnect: gone,
    Exception: unexpected,
}
