"""The answer to a fault of the server, which every client that may call it can read."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from realtime.web.answers.errors import fault_response


class FaultAnswer:
    """Middleware that answers a fault, and raises it again, since others log it.

    starlette answers faults outside of all middleware. There the answer gets no CORS headers, and a
    page from elsewhere learns neither the status nor the request's id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception:
            if not begun:
                await fault_response(scope)(scope, receive, send)
            raise
