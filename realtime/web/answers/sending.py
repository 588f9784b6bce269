"""A body on its way to one client, which may leave or stop reading at any moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from realtime.cancellation import run_unless
from realtime.errors import YamabikoError

logger = logging.getLogger(__name__)

# Without a byte read the client is not there any more, while others wait for the engine.
STALL_SECONDS = 60.0
BROKEN_OFF = "yamabiko.broken_off"


class Stalled(Exception):
    """A client that stays connected and reads nothing."""


class Answer:
    """An answer with status 200 whose body is sent in parts."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self.begun = False
        self._send = send
        # Encoded before the first sound: many may wait for the same one.
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def begin(self, timing: Mapping[str, float], length: int | None = None) -> None:
        """Send the head: with `Server-Timing` (milliseconds), and the length where it is known."""
        self.begun = True
        headers = self._headers
        if timing:
            marks = (f"{name};dur={spent:g}" for name, spent in timing.items())
            headers.append((b"server-timing", ", ".join(marks).encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def send(self, data: bytes) -> None:
        await send_part(self._send, data)

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})


async def send_part(send: Send, data: bytes) -> None:
    """Send a part of a body; raise `Stalled` when the client takes none of it for long."""
    if not data:
        return
    try:
        async with asyncio.timeout(STALL_SECONDS):
            await send({"type": "http.response.body", "body": data, "more_body": True})
    except TimeoutError:
        raise Stalled from None


async def run_unless_gone(work: Coroutine[Any, Any, None], receive: Receive) -> bool:
    """Run the work of an answer unless the client leaves; return whether it was done."""
    return await run_unless(work, _wait_for_disconnect(receive))


async def answer_unless_gone(
    answer: Callable[[Send], Coroutine[Any, Any, None]], scope: Scope, receive: Receive, send: Send
) -> None:
    """Send an answer; break it off when the client leaves or stalls, or when it fails half-way."""
    begun = False

    async def send_noted(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        done = await run_unless_gone(answer(send_noted), receive)
    except Stalled:
        done = False
    except YamabikoError as error:
        if not begun:
            raise
        # It is told here for the last time: an error that is raised now would be taken for a fault.
        logger.warning("an answer was broken off: %s", error.message)
        return break_off(scope)
    if not done:
        logger.info("the client went away")
        break_off(scope)


def break_off(scope: Scope) -> None:
    """End the connection behind a body without its end: nobody must take it for a whole one."""
    scope[BROKEN_OFF] = True


def is_broken_off(scope: Scope) -> bool:
    return BROKEN_OFF in scope


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
