"""What a request may be before any door sees it: its Host, its bytes; it knows no door."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from realtime.errors import TooLarge
from realtime.web.errors import ErrorResponse, Refusal, refusal_of


class HostLimit:
    """Middleware: only names of ours, so that a foreign page cannot point its own name at us."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or host_of(scope) in self._hosts:
            return await self._app(scope, receive, send)
        refusal = Refusal(
            403,
            "host_not_allowed",
            "This server is not called by that name.",
            hint="The setting `hosts` lists its names.",
        )
        await ErrorResponse(scope, refusal)(scope, receive, send)


class BodyLimit:
    """Middleware: a body over the limit is refused, by its announced length or as it grows."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        announced = Headers(scope=scope).get("content-length", "")
        # Compared by digits first: a length of thousands of digits is no number to Python.
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > self._most):
            return await ErrorResponse(scope, refusal_of(self._error()))(scope, receive, send)
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._most:
                raise self._error()
            return message

        await self._app(scope, counted, send)

    def _error(self) -> TooLarge:
        return TooLarge(f"The body is over the limit of {self._most} bytes.")


def host_of(scope: Scope) -> str | None:
    """The name in the Host header, without its port, in lower case."""
    named = Headers(scope=scope).get("host", "")
    try:
        return urlsplit(f"//{named}").hostname
    except ValueError:
        return None
