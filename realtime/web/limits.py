"""What a body may be before any door sees it: how large, and how slow; it knows no door."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from realtime.errors import TooLarge, TooSlow
from realtime.settings import Limits
from realtime.web.errors import ErrorResponse, refusal_of


class BodyLimit:
    """Middleware: a body over a limit is refused, by its announced length or as it comes."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._most = limits.body_bytes
        self._seconds = limits.body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        announced = Headers(scope=scope).get("content-length", "")
        # Compared by digits first: a length of thousands of digits is no number to Python.
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > self._most):
            return await ErrorResponse(scope, refusal_of(self._error()))(scope, receive, send)
        came, comes = 0, True
        due = asyncio.get_running_loop().time() + self._seconds

        async def counted() -> Message:
            nonlocal came, comes
            if not comes:
                return await receive()
            try:
                async with asyncio.timeout_at(due):
                    message = await receive()
            except TimeoutError:
                raise TooSlow(f"The body did not come within {self._seconds:g} s.") from None
            came += len(message.get("body", b""))
            comes = bool(message.get("more_body", False))
            if came > self._most:
                raise self._error()
            return message

        await self._app(scope, counted, send)

    def _error(self) -> TooLarge:
        return TooLarge(f"The body is over the limit of {self._most} bytes.")
