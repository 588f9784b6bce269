"""The id of a request or a socket, in its answer and in the log."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from realtime.log import name_request

HARMLESS = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
KEY = "yamabiko.request_id"
# Messages with the head of an answer, also to the upgrade of a socket.
HEADS = ("http.response.start", "websocket.http.response.start", "websocket.accept")


def request_id(scope: Scope) -> str:
    """Return the request's id: the client's own where it is harmless in a log, else a new one."""
    if KEY not in scope:
        given = Headers(scope=scope).get("x-request-id", "")
        scope[KEY] = given if HARMLESS.fullmatch(given) else uuid.uuid4().hex
    return str(scope[KEY])


class RequestIdHeader:
    """Middleware that gives every answer and every line of the log the request's id.

    It also forbids guessing the type of an answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        id = request_id(scope)
        # For the rest of the task: uvicorn, which has one for each request, logs a fault after us.
        name_request(id)

        async def send_with_id(message: Message) -> None:
            if message["type"] in HEADS:
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = id
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, send_with_id)
