"""Authentication before every route: finds the caller of a request, or refuses it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from realtime.access import Credentials, SignedRequest
from realtime.access.roles import LISTENER, allows
from realtime.errors import Forbidden, Refused, TooMany, YamabikoError
from realtime.log import audit
from realtime.services import Services
from realtime.web.answers.errors import ErrorResponse, refusal_of, send_instead
from realtime.web.answers.links import AUDIO
from realtime.web.entry.buffered_body import BufferedBody
from realtime.web.entry.credentials import Bearer, Cookie, Ticket, find_credentials
from realtime.web.entry.hosts_and_origins import check_origin
from realtime.web.entry.needed_roles import SAFE, needed_role
from realtime.web.requests.caller import SCOPE, Caller, client_address, path_start
from realtime.web.requests.request_id import request_id

# Open to everybody: the pages, the server's health and time, and the log-in. The API's document is
# not: it tells the limits of this server. Its page has none of them, and asks for a key.
OPEN = frozenset(("/", "/docs", "/health", "/ready", "/time", "/login", "/logout"))
OPEN_FOLDER = "/static/"


class Authentication:
    """Middleware for requests and sockets: every path but the open ones needs credentials."""

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
        with closing(BufferedBody()) as body:
            try:
                scope[SCOPE] = await self._authenticate(scope, receive, body)
                self._check_origin(scope)
                _check_role(scope)
            except ClientDisconnect:
                return
            except YamabikoError as error:
                self._log_refusal(scope, error)
                refusal = refusal_of(error, self._guard.now_ms)
                return await send_instead(ErrorResponse(scope, refusal), scope, receive, send)
            await self._app(scope, body.replay(receive) if body.complete else receive, send)

    async def _authenticate(self, scope: Scope, receive: Receive, body: BufferedBody) -> Caller:
        """Return the caller; read the body only where its hash is signed."""
        if not self._guard.keys or is_open(scope):
            return Caller()
        address = client_address(scope)
        await self._quotas.check_refusals(address)
        try:
            if scope["path"].startswith(AUDIO) and is_signed_url(scope["query_string"]):
                self._guard.urls.check(scope["path"], scope["query_string"])
                return Caller(way="address", role=LISTENER)
            caller = await self._identify(scope, receive, body)
        except Refused:
            await self._quotas.count_refusal(address)
            raise
        await self._quotas.account(caller.key_id).charge_request()
        audit("admitted", key=caller.key_id, way=caller.way, **_where(scope))
        return replace(caller, role=self._guard.keys.role(caller.key_id))

    async def _identify(self, scope: Scope, receive: Receive, body: BufferedBody) -> Caller:
        credentials = find_credentials(scope)
        match credentials:
            case Credentials():
                return await self._verify_signature(credentials, scope, receive, body)
            case Bearer() if self._bearer:
                return Caller(self._guard.keys.verify(credentials.key), "bearer")
            case Ticket():
                return Caller(self._guard.use_ticket(credentials.text), "ticket")
            case Cookie():
                return Caller(self._guard.owner_of_cookie(credentials.text), "cookie")
        ways = "sign the request (docs/signing.md)"
        if self._bearer:
            ways += ", or send Authorization: Bearer id:secret"
        raise Refused(
            "A key is needed here, and the request shows none that is accepted.",
            hint=f"To come in, {ways}.",
        )

    async def _verify_signature(
        self, credentials: Credentials, scope: Scope, receive: Receive, body: BufferedBody
    ) -> Caller:
        self._guard.requests.check_form(credentials)  # first: it may spare reading a large body
        if scope["type"] == "http":
            await body.read_all(receive)
        request = SignedRequest(
            scope.get("method", "GET"),
            scope["raw_path"],
            scope["query_string"],
            body.digest,
        )
        stamp_ms = self._guard.requests.verify(credentials, request)
        return Caller(credentials.key_id, "signature", stamp_ms)

    def _check_origin(self, scope: Scope) -> None:
        """Refuse foreign pages: a browser opens sockets and sends cookies for any page."""
        ambient = scope["type"] == "websocket" or scope[SCOPE].way == "cookie"
        if ambient and scope.get("method") not in SAFE:
            check_origin(scope, self._origins)

    def _log_refusal(self, scope: Scope, error: YamabikoError) -> None:
        if isinstance(error, Refused | Forbidden | TooMany):
            self._metrics.count_refusal(error.code)
            audit("refused", reason=error.code, **_where(scope))


def _check_role(scope: Scope) -> None:
    """Refuse what the key's role may not do; sockets change nothing for others."""
    if is_open(scope):
        return
    caller: Caller = scope[SCOPE]
    needed = needed_role(scope.get("method", "GET"), scope["path"])
    if not allows(caller.role, needed):
        raise Forbidden(
            f"The role of this key is {caller.role}; this needs the role {needed}.",
            code="forbidden_role",
            hint="Whoever runs the server gives it: python server.py key role ID operator",
            values={"role": caller.role, "needed": needed},
        )


def is_open(scope: Scope) -> bool:
    """Return whether a path needs no key."""
    path: str = scope["path"]
    return scope["type"] == "http" and (path in OPEN or path.startswith(OPEN_FOLDER))


def is_signed_url(query: bytes) -> bool:
    """Return whether a query has the signature of a recording's URL."""
    return any(part.startswith(b"s=") for part in query.split(b"&"))


def _where(scope: Scope) -> dict[str, str]:
    return {
        "method": scope.get("method", "WEBSOCKET"),
        "door": path_start(scope),
        "address": client_address(scope),
        "request": request_id(scope),
    }
