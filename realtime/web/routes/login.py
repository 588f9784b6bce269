"""The way in: the time, tickets for sockets, and the page's log-in; it knows no signature."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from realtime.access.guard import COOKIE_SECONDS
from realtime.errors import NotFound, Refused, YamabikoError
from realtime.log import audit
from realtime.services import Services
from realtime.web.answers.errors import ErrorResponse, refusal_of
from realtime.web.entry.credentials import COOKIE
from realtime.web.entry.hosts_and_origins import check_origin
from realtime.web.requests.caller import address_of, caller_of
from realtime.web.requests.fields import Fields
from realtime.web.requests.json_body import json_body
from realtime.web.requests.request_id import request_id
from realtime.web.requests.services import services_of

SLOWED_SECONDS = 0.5  # what each wrong guess costs besides


async def time(request: Request) -> Response:
    axes = services_of(request).guard.axes
    now_ms = services_of(request).guard.now_ms
    told = {"now_ms": now_ms, "shift_s": _plain(axes.shift_s), "skew_s": _plain(axes.skew_s)}
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


def _plain(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds


async def ticket(request: Request) -> Response:
    """A ticket for one socket, for clients that cannot set headers there."""
    written, expires_at = services_of(request).guard.ticket(caller_of(request.scope).key_id)
    told = {"ticket": written, "expires_at": expires_at}
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


async def login(request: Request) -> Response:
    """A key for a cookie; guessing is slow, and soon over."""
    services = services_of(request)
    _check_page(request, services)
    fields = Fields(await json_body(request))
    fields.only(("key",))
    key = fields.needed_text("key")
    if not services.guard.keys:
        raise NotFound("No keys are configured: nobody needs to log in.", code="no_keys")
    address = address_of(request.scope)
    await services.quotas.check_logins(address)
    try:
        key_id = services.guard.keys.id_of(key.strip())
    except Refused as error:
        return await _wrong(request, error)
    audit("logged in", key=key_id, address=address, request=request_id(request.scope))
    expires_at = services.guard.now_ms + round(1000 * COOKIE_SECONDS)
    answer = JSONResponse({"key": key_id, "expires_at": expires_at})
    answer.set_cookie(
        COOKIE,
        services.guard.cookie(key_id),
        max_age=round(COOKIE_SECONDS),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


async def logout(request: Request) -> Response:
    """The cookie is good for nothing from now on, wherever else it was copied to."""
    services = services_of(request)
    _check_page(request, services)
    try:
        services.guard.end_cookie(request.cookies.get(COOKIE, ""))
    except Refused:
        pass  # it was over before
    answer = JSONResponse({"key": None})
    answer.delete_cookie(
        COOKIE, secure=request.url.scheme == "https", httponly=True, samesite="strict"
    )
    return answer


async def _wrong(request: Request, error: YamabikoError) -> Response:
    services, address = services_of(request), address_of(request.scope)
    await services.quotas.count_failed_login(address)
    services.metrics.count_refusal("login")
    audit("log-in refused", reason=error.code, address=address, request=request_id(request.scope))
    await asyncio.sleep(SLOWED_SECONDS)
    return ErrorResponse(request.scope, refusal_of(error, services.guard.now_ms))


def _check_page(request: Request, services: Services) -> None:
    """Nobody logs a visitor of a foreign page in or out."""
    check_origin(request.scope, services.settings.sockets.origins)


ROUTES = [
    Route("/time", time),
    Route("/ticket", ticket, methods=["POST"]),
    Route("/login", login, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
]
