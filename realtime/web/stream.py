"""A spoken line as an answer: a stream, events, or one body; it knows no route.

Nothing is sent before the first sound is there, so an error until then has its real status. One
after that breaks the body off: a client must not take a cut file for a whole one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from realtime.audio import HEADER_BYTES, wav_header
from realtime.line import Line
from realtime.speech import Speech
from realtime.web.asked import Asked
from realtime.web.errors import envelope, refusal_of
from realtime.web.events import sound_events, usage_of
from realtime.web.sound import Part, Tape, encoded
from realtime.web.trace import request_id

logger = logging.getLogger(__name__)

STALL_SECONDS = (
    60.0  # without a byte read: the listener is not there, and others wait for the engine
)


class Stalled(Exception):
    """The client stays connected and reads nothing."""


class SpeechResponse(Response):
    """Speaks its line while it is sent; a client that goes away ends both."""

    def __init__(self, speech: Speech, line: Line, asked: Asked) -> None:
        super().__init__()
        self._line = line
        self._asked = asked
        self._speech = speech
        self._tape = Tape(asked.format, speech.sample_rate(line), asked.sample_rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = self._asked.whole and not self._asked.events
        work = self._whole(send) if whole else self._stream(scope, send)
        try:
            done = await unless_gone(work, receive)
        except Stalled:
            # Left without its end, the body is broken off by the server.
            done = False
        if not done:
            logger.info("request %s: the client went away", request_id(scope))

    async def _stream(self, scope: Scope, send: Send) -> None:
        begun = False
        async with aclosing(self._parts(scope)) as parts:
            async for part in parts:
                if not begun:
                    await self._begin(send, part.timing)
                    begun = True
                await put(send, part.data)
        await send({"type": "http.response.body", "body": b""})

    async def _whole(self, send: Send) -> None:
        async with aclosing(self._encoded()) as encoded_parts:
            parts = [part async for part in encoded_parts]
        bodies = [part.data for part in parts if part.data]
        length = sum(map(len, bodies))
        if self._asked.format.name == "wav":
            head = wav_header(self._tape.sample_rate, (length - HEADER_BYTES) // 2)
            bodies[0] = head + bodies[0][HEADER_BYTES:]
        await self._begin(send, parts[0].timing, length)
        for body in bodies:
            await put(send, body)
        await send({"type": "http.response.body", "body": b""})

    def _parts(self, scope: Scope) -> AsyncGenerator[Part, None]:
        if not self._asked.events:
            return self._encoded()
        return sound_events(
            self._encoded(),
            lambda: usage_of(self._line.text, self._tape),
            lambda error: envelope(scope, refusal_of(error)),
            self._asked.timestamps,
        )

    def _encoded(self) -> AsyncGenerator[Part, None]:
        return encoded(self._speech.say(self._line), self._tape)

    async def _begin(
        self, send: Send, timing: Mapping[str, float], length: int | None = None
    ) -> None:
        headers = self._described()
        if timing:
            marks = (f"{name};dur={spent:g}" for name, spent in timing.items())
            headers["Server-Timing"] = ", ".join(marks)
        if length is not None:
            headers["Content-Length"] = str(length)
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})

    def _described(self) -> dict[str, str]:
        found = self._asked.format
        plain = not found.codec
        headers = {
            "Content-Type": "text/event-stream" if self._asked.events else found.content_type,
            "Cache-Control": "no-store",
            "X-Cache": "miss",
            "X-Accel-Buffering": "no",
            "X-Audio-Sample-Rate": str(self._tape.sample_rate),
            "X-Audio-Channels": "1",
            "X-Audio-Encoding": "pcm_s16le" if plain else found.name,
        }
        return {**headers, "X-Audio-Bits-Per-Sample": "16"} if plain else headers


async def unless_gone(work: Coroutine[Any, Any, None], receive: Receive) -> bool:
    """Does the work; a client that goes away ends it at once. Tells whether it was done."""
    task = asyncio.create_task(work)
    leaving = asyncio.create_task(_departure(receive))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        leaving.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)
    if task.cancelled():
        return False
    task.result()
    return True


async def put(send: Send, data: bytes) -> None:
    """Sends some bytes; a client that takes none of them for long is given up."""
    if not data:
        return
    try:
        async with asyncio.timeout(STALL_SECONDS):
            await send({"type": "http.response.body", "body": data, "more_body": True})
    except TimeoutError:
        raise Stalled from None


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
