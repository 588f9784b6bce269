"""The server's time, tickets for sockets, and the page's log-in and log-out."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.access.guard import COOKIE_SECONDS
from realtime.errors import Busy, NotFound, Refused, YamabikoError
from realtime.log import audit
from realtime.services import Services
from realtime.web.answers.errors import ErrorResponse, refusal_of
from realtime.web.entry.credentials import COOKIE
from realtime.web.entry.hosts_and_origins import check_origin
from realtime.web.openapi.error_codes import (
    FOREIGN_PAGE,
    JSON_ERRORS,
    QUOTA_ERRORS,
    UNKNOWN_FIELD,
    codes,
)
from realtime.web.openapi.operation import (
    ACCESS,
    JSON,
    AnswerSpec,
    Body,
    Operation,
    json_answer,
)
from realtime.web.requests.caller import caller_of, client_address
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import NeededTextField
from realtime.web.requests.json_body import json_body
from realtime.web.requests.request_id import request_id
from realtime.web.requests.services import services_of

WRONG_KEY_SECONDS = 0.5  # the answer to a wrong key waits: guessing becomes slow
KEY = NeededTextField("key", "A key as `id:secret`.")
LOGIN = FieldTable("Login", (KEY,))


@dataclass(frozen=True)
class ServerTime:
    """The server's time, and the window in which a signed request passes."""

    now_ms: int
    shift_s: float
    skew_s: float


@dataclass(frozen=True)
class TicketAnswer:
    """A ticket that opens one socket before it expires."""

    ticket: str
    expires_at: int


@dataclass(frozen=True)
class LoggedIn:
    """The key whose cookie was set, and when that expires."""

    key: str
    expires_at: int


@dataclass(frozen=True)
class LoggedOut:
    """The end of the cookie."""

    key: None


async def time(request: Request) -> Response:
    """Answer with the server's time, and the window in which a signed request passes."""
    guard = services_of(request).guard
    found = ServerTime(
        now_ms=guard.now_ms,
        shift_s=_without_point_zero(guard.window.shift_s),
        skew_s=_without_point_zero(guard.window.skew_s),
    )
    return JSONResponse(asdict(found), headers={"Cache-Control": "no-store"})


def _without_point_zero(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds


async def ticket(request: Request) -> Response:
    """Answer with a ticket for one socket, for clients that cannot set headers there."""
    ticket, expires_at = services_of(request).guard.make_ticket(caller_of(request.scope).key_id)
    found = TicketAnswer(ticket, expires_at)
    return JSONResponse(asdict(found), headers={"Cache-Control": "no-store"})


async def login(request: Request) -> Response:
    """Set a cookie for a key; after a few wrong keys the address has to wait."""
    services = services_of(request)
    _check_origin(request, services)
    key = KEY.read(LOGIN.open(await json_body(request)))
    if not services.guard.keys:
        raise NotFound("No keys are configured: nobody needs to log in.", code="no_keys")
    address = client_address(request.scope)
    await services.quotas.check_logins(address)
    try:
        key_id = services.guard.keys.verify(key.strip())
    except Refused as error:
        return await _refuse_login(request, error)
    audit("logged in", key=key_id, address=address, request=request_id(request.scope))
    expires_at = services.guard.now_ms + round(1000 * COOKIE_SECONDS)
    answer = JSONResponse(asdict(LoggedIn(key_id, expires_at)))
    answer.set_cookie(
        COOKIE,
        services.guard.make_cookie(key_id),
        max_age=round(COOKIE_SECONDS),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


async def logout(request: Request) -> Response:
    """End the cookie, also where it was copied to, and delete it in this browser."""
    services = services_of(request)
    _check_origin(request, services)
    try:
        services.guard.end_cookie(request.cookies.get(COOKIE, ""))
    except Refused:
        pass  # it has expired or was ended before
    answer = JSONResponse(asdict(LoggedOut(None)))
    answer.delete_cookie(
        COOKIE, secure=request.url.scheme == "https", httponly=True, samesite="strict"
    )
    return answer


async def _refuse_login(request: Request, error: YamabikoError) -> Response:
    services, address = services_of(request), client_address(request.scope)
    await services.quotas.count_failed_login(address)
    services.metrics.count_refusal("login")
    audit("log-in refused", reason=error.code, address=address, request=request_id(request.scope))
    await asyncio.sleep(WRONG_KEY_SECONDS)
    return ErrorResponse(request.scope, refusal_of(error, services.guard.now_ms))


def _check_origin(request: Request, services: Services) -> None:
    """Refuse pages from elsewhere: they could log their visitors in or out here."""
    check_origin(request.scope, services.settings.sockets.origins)


ROUTES = [
    Route("/time", time),
    Route("/ticket", ticket, methods=["POST"]),
    Route("/login", login, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
]
OPERATIONS = [
    Operation(
        "GET",
        "/time",
        ACCESS,
        "Ask for the server's time",
        (json_answer(ServerTime, "The time, for clients that sign."),),
    ),
    Operation(
        "POST",
        "/ticket",
        ACCESS,
        "Get a ticket for one socket",
        (json_answer(TicketAnswer, "The ticket, used as `/ws?ticket=…`."),),
    ),
    Operation(
        "POST",
        "/login",
        ACCESS,
        "Log in with a key",
        (
            AnswerSpec(
                200,
                "The page's cookie is set.",
                {JSON: LoggedIn},
                headers=("Set-Cookie",),
            ),
        ),
        (
            JSON_ERRORS,
            UNKNOWN_FIELD,
            FOREIGN_PAGE,
            QUOTA_ERRORS,
            codes(Busy, "limits_unreachable"),
            codes(NotFound, "no_keys"),
            codes(Refused, "malformed", "unknown_key", "bad_signature"),
        ),
        body=Body(LOGIN, {"key": "page:SECRET"}),
    ),
    Operation(
        "POST",
        "/logout",
        ACCESS,
        "Log out",
        (
            AnswerSpec(
                200,
                "The page's cookie is ended and deleted.",
                {JSON: LoggedOut},
                headers=("Set-Cookie",),
            ),
        ),
        (FOREIGN_PAGE, codes(Busy, "tokens_full")),
    ),
]
