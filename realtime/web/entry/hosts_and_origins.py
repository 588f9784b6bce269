"""Which names this server answers to, and which pages may use it; it knows no key."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from realtime.errors import Forbidden
from realtime.settings import Settings
from realtime.web.answers.errors import ErrorResponse, deny, refusal_of

MOST_NAMES = 1_024  # Host headers whose reading is remembered


class Hosts:
    """The names that a request may call this server by.

    Without keys everybody who reaches the server may use it, and a foreign page reaches what its
    visitor's machine reaches, if it can point its own name there: then only this machine's own
    names are answered.
    """

    def __init__(self, settings: Settings, has_keys: bool) -> None:
        self._listed = {host.lower() for host in settings.hosts}
        self._any = has_keys and not self._listed
        self._local = not self._listed
        if settings.public_url and (name := urlsplit(settings.public_url).hostname):
            self._listed.add(name)
        self._known: dict[bytes, bool] = {}

    def allow(self, header: bytes) -> bool:
        """Whether a Host header names us."""
        if header not in self._known:
            if len(self._known) >= MOST_NAMES:
                self._known.clear()
            self._known[header] = self._allows(header.decode("latin-1"))
        return self._known[header]

    def _allows(self, header: str) -> bool:
        name = name_in(header)
        if self._any or (name is not None and name in self._listed):
            return True
        return self._local and name is not None and is_loopback(name)


class HostLimit:
    """Middleware: only names of ours, so that a foreign page cannot point its own name at us."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) <= 1 and self._hosts.allow(named[0] if named else b""):
            return await self._app(scope, receive, send)
        error = Forbidden(
            "This server is not called by that name.",
            code="host_not_allowed",
            hint="The setting `hosts` lists its names.",
        )
        await deny(ErrorResponse(scope, refusal_of(error)), scope, receive, send)


def check_origin(scope: Scope, allowed: Collection[str]) -> None:
    """Refuse what a page from elsewhere sends, unless it is listed."""
    if (origin := foreign_origin(scope, allowed)) is not None:
        raise Forbidden(
            f"Pages from {origin[:100]!r} may not do this.",
            code="origin_not_allowed",
            hint="The setting sockets.origins lists pages elsewhere that may.",
        )


def foreign_origin(scope: Scope, allowed: Collection[str]) -> str | None:
    """The page elsewhere that sends this request; None when it is our own, listed, or no page."""
    headers = Headers(scope=scope)
    origins = headers.getlist("origin")
    if not origins:
        return None
    if len(origins) > 1:
        return ", ".join(origins)
    origin = origins[0]
    if origin in allowed or origin in _own_origins(scope, headers.get("host", "")):
        return None
    return origin


def _own_origins(scope: Scope, host: str) -> tuple[str, ...]:
    """A page of ours; encrypted by a proxy in front of us it is ours too."""
    secure = f"https://{host}"
    return (secure,) if scope["scheme"] in ("https", "wss") else (secure, f"http://{host}")


def name_in(host: str) -> str | None:
    """The name in a Host header, without its port, in lower case."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
