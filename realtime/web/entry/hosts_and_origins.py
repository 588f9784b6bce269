"""The host names that this server answers to, and the origins whose pages may use it."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from realtime.errors import Forbidden
from realtime.listener import is_loopback
from realtime.settings import Settings
from realtime.web.answers.errors import ErrorResponse, refusal_of, send_instead

MOST_NAMES = 1_024  # Host headers whose check is remembered


class Hosts:
    """The names that the Host header of a request may have.

    Without keys every request that arrives is let in. A foreign page could point its own name at
    this machine and reach the server through its visitor's browser (DNS rebinding). So without
    keys and without the setting `hosts`, only the names of the local machine are answered.
    """

    def __init__(self, settings: Settings, has_keys: bool) -> None:
        self._listed = {host.lower() for host in settings.hosts}
        self._allow_any = has_keys and not self._listed
        self._allow_loopback = not self._listed
        if settings.public_url and (name := urlsplit(settings.public_url).hostname):
            self._listed.add(name)
        self._known: dict[bytes, bool] = {}

    def allow(self, header: bytes) -> bool:
        """Return whether a Host header has a name of this server."""
        if header not in self._known:
            if len(self._known) >= MOST_NAMES:
                self._known.clear()
            self._known[header] = self._check(header.decode("latin-1"))
        return self._known[header]

    def _check(self, header: str) -> bool:
        name = name_in(header)
        if self._allow_any or (name is not None and name in self._listed):
            return True
        return self._allow_loopback and name is not None and is_loopback(name)


class HostLimit:
    """Middleware that refuses requests for other host names."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) <= 1 and self._hosts.allow(hosts[0] if hosts else b""):
            return await self._app(scope, receive, send)
        error = Forbidden(
            "This server is not called by that name.",
            code="host_not_allowed",
            hint="The setting `hosts` lists its names.",
        )
        await send_instead(ErrorResponse(scope, refusal_of(error)), scope, receive, send)


def check_origin(scope: Scope, allowed: Collection[str]) -> None:
    """Refuse a request from a page of another site, unless the site is listed."""
    if (origin := foreign_origin(scope, allowed)) is not None:
        raise Forbidden(
            f"Pages from {origin[:100]!r} may not do this.",
            code="origin_not_allowed",
            hint="The setting sockets.origins lists pages elsewhere that may.",
        )


def check_page(scope: Scope, settings: Settings) -> None:
    """Refuse a change that a page from elsewhere asks for.

    A browser sends forms without asking, CORS or not, and calls links and pictures without saying
    for which page. What it says of both is `Sec-Fetch-Site` (Fetch Metadata, section 2.4).
    """
    if "*" in settings.cors.origins:
        return
    check_origin(scope, {*settings.sockets.origins, *settings.cors.origins})
    headers = Headers(scope=scope)
    if "origin" not in headers and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise Forbidden(
            "Pages from elsewhere may not do this.",
            code="origin_not_allowed",
            hint="The setting cors.origins lists pages elsewhere that may.",
        )


def foreign_origin(scope: Scope, allowed: Collection[str]) -> str | None:
    """Return the site whose page sent a request; None for our own, a listed one, or no page."""
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
    secure = f"https://{host}"  # also over http: a proxy in front may do the encryption
    return (secure,) if scope["scheme"] in ("https", "wss") else (secure, f"http://{host}")


def name_in(host: str) -> str | None:
    """Return the name in a Host header, without its port, in lower case."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
