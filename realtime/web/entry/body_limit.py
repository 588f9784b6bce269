"""Bounds on request bodies before every route: bytes, seconds, and uploads at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from realtime.errors import Busy, TooLarge, TooSlow, YamabikoError
from realtime.settings import LimitsSettings
from realtime.web.answers.errors import ErrorResponse, refusal_of

# Paths that take files by POST.
UPLOADS = frozenset(("/api/process", "/api/characters", "/upload_voice", "/set_refer_audio"))


class BodyLimit:
    """Middleware that refuses a body over a limit, by its announced length or as it comes."""

    def __init__(self, app: ASGIApp, limits: LimitsSettings) -> None:
        self._app = app
        self._limits = limits
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if scope["path"] not in UPLOADS or scope["method"] != "POST":
            most, seconds = self._limits.body_bytes, self._limits.body_seconds
            return await self._run_bounded(scope, receive, send, most, seconds)
        try:
            with self._uploading():
                most, seconds = self._limits.upload_bytes, self._limits.upload_seconds
                await self._run_bounded(scope, receive, send, most, seconds)
        except Busy as error:
            await _refuse(error, scope, receive, send)

    async def _run_bounded(
        self, scope: Scope, receive: Receive, send: Send, most: int, seconds: float
    ) -> None:
        announced = Headers(scope=scope).get("content-length", "")
        # Compared by digits first: int() refuses texts of over 4,300 digits with an error.
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > most):
            return await _refuse(_too_large(most), scope, receive, send)
        received, complete = 0, False
        due = asyncio.get_running_loop().time() + seconds

        async def receive_bounded() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()  # what follows the body, such as the client's leaving
            try:
                async with asyncio.timeout_at(due):
                    message = await receive()
            except TimeoutError:
                raise TooSlow(f"The body did not come within {seconds:g} s.") from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > most:
                raise _too_large(most)
            return message

        await self._app(scope, receive_bounded, send)

    @contextmanager
    def _uploading(self) -> Iterator[None]:
        """Count an upload until its answer has ended, since it holds a large file; or refuse it."""
        if self._uploads >= self._limits.uploads:
            raise Busy(
                f"{self._uploads} uploads are under way, which is the limit.",
                code="too_many_uploads",
                hint="Ask again in a moment.",
                retry_after=5,
            )
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1


async def _refuse(error: YamabikoError, scope: Scope, receive: Receive, send: Send) -> None:
    await ErrorResponse(scope, refusal_of(error))(scope, receive, send)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is over the limit of {most} bytes.", values={"bytes": most})
