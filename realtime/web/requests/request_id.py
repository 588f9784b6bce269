"""The id of a request, in its answer and in the log."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HARMLESS = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
KEY = "yamabiko.request_id"


def request_id(scope: Scope) -> str:
    """Return the request's id: the client's own where it is harmless in a log, else a new one."""
    if KEY not in scope:
        given = Headers(scope=scope).get("x-request-id", "")
        scope[KEY] = given if HARMLESS.fullmatch(given) else uuid.uuid4().hex
    return str(scope[KEY])


class RequestIdHeader:
    """Middleware that adds the request's id to every answer, and forbids guessing its type."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        id = request_id(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = id
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, send_with_id)
