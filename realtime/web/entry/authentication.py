"""The gate before every door: who asks, and whether they may; it knows no door's business."""

from __future__ import annotations

from contextlib import closing

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from realtime.access import Credentials, SignedRequest
from realtime.errors import Forbidden, Refused, TooMany, YamabikoError
from realtime.log import audit
from realtime.services import Services
from realtime.web.answers.errors import ErrorResponse, deny, refusal_of
from realtime.web.answers.links import AUDIO
from realtime.web.entry.buffered_body import Body
from realtime.web.entry.credentials import Bearer, Cookie, Ticket, shown_by
from realtime.web.entry.hosts_and_origins import check_origin
from realtime.web.requests.caller import SCOPE, Caller, address_of, door_of
from realtime.web.requests.request_id import request_id

OPEN = frozenset(("/", "/health", "/ready", "/time", "/login", "/logout"))
OPEN_FOLDER = "/static/"
SAFE = ("GET", "HEAD", "OPTIONS")


class Authentication:
    """Middleware for requests and sockets alike; what is not named open asks for credentials."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._guard = services.guard
        self._quotas = services.quotas
        self._metrics = services.metrics
        self._bearer = services.settings.auth.bearer
        self._origins = frozenset(services.settings.sockets.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        with closing(Body()) as body:
            try:
                scope[SCOPE] = await self._caller(scope, receive, body)
                self._check_page(scope)
            except ClientDisconnect:
                return
            except YamabikoError as error:
                self._note(scope, error)
                refusal = refusal_of(error, self._guard.now_ms)
                return await deny(ErrorResponse(scope, refusal), scope, receive, send)
            await self._app(scope, body.again(receive) if body.taken else receive, send)

    async def _caller(self, scope: Scope, receive: Receive, body: Body) -> Caller:
        """Whose the request is; a body is taken only where it is a part of the answer."""
        if not self._guard.keys or is_open(scope):
            return Caller()
        address = address_of(scope)
        await self._quotas.check_refusals(address)
        try:
            if scope["path"].startswith(AUDIO) and is_signed_address(scope["query_string"]):
                self._guard.addresses.check(scope["path"], scope["query_string"])
                return Caller(way="address")
            caller = await self._known(scope, receive, body)
        except Refused:
            await self._quotas.count_refusal(address)
            raise
        await self._quotas.account(caller.key_id).charge_request()
        audit("admitted", key=caller.key_id, way=caller.way, **_where(scope))
        return caller

    async def _known(self, scope: Scope, receive: Receive, body: Body) -> Caller:
        shown = shown_by(scope)
        match shown:
            case Credentials():
                return await self._signed(shown, scope, receive, body)
            case Bearer() if self._bearer:
                return Caller(self._guard.keys.id_of(shown.key), "bearer")
            case Ticket():
                return Caller(self._guard.redeem(shown.written), "ticket")
            case Cookie():
                return Caller(self._guard.cookie_owner(shown.written), "cookie")
        ways = "sign the request (docs/signing.md)"
        if self._bearer:
            ways += ", or send Authorization: Bearer id:secret"
        raise Refused(
            "A key is needed here, and the request shows none that is accepted.",
            hint=f"To come in, {ways}.",
        )

    async def _signed(
        self, shown: Credentials, scope: Scope, receive: Receive, body: Body
    ) -> Caller:
        self._guard.requests.stamp(shown)  # before anybody sends us a body for nothing
        if scope["type"] == "http":
            await body.take(receive)
        asked = SignedRequest(
            scope.get("method", "GET"),
            scope["raw_path"],
            scope["query_string"],
            body.digest,
        )
        stamp_ms = self._guard.requests.verify(shown, asked)
        return Caller(shown.key_id, "signature", stamp_ms)

    def _check_page(self, scope: Scope) -> None:
        """A browser sends cookies and opens sockets for any page: only for ours it may."""
        ambient = scope["type"] == "websocket" or scope[SCOPE].way == "cookie"
        if ambient and scope.get("method") not in SAFE:
            check_origin(scope, self._origins)

    def _note(self, scope: Scope, error: YamabikoError) -> None:
        if isinstance(error, Refused | Forbidden | TooMany):
            self._metrics.count_refusal(error.code)
            audit("refused", reason=error.code, **_where(scope))


def is_open(scope: Scope) -> bool:
    """What anybody may see: the page, whether the server lives, its time, and the way in."""
    path: str = scope["path"]
    return scope["type"] == "http" and (path in OPEN or path.startswith(OPEN_FOLDER))


def is_signed_address(query: bytes) -> bool:
    return any(part.startswith(b"s=") for part in query.split(b"&"))


def _where(scope: Scope) -> dict[str, str]:
    return {
        "method": scope.get("method", "WEBSOCKET"),
        "door": door_of(scope),
        "address": address_of(scope),
        "request": request_id(scope),
    }
