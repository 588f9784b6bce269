"""Sound as server-sent events in the form of OpenAI's API."""

from __future__ import annotations

import asyncio
import base64
import json
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, TypeVar

from realtime.audio.encoding import ContainerWriter, EncodedPart
from realtime.errors import YamabikoError

T = TypeVar("T")

QUIET_SECONDS = 3.0  # a comment is sent then: clients give up after five without a byte
COMMENT = b": still speaking\n\n"
TOKENS_A_SECOND = 20  # of sound, for the usage that clients expect


async def sound_events(
    parts: AsyncGenerator[EncodedPart, None],
    usage: Callable[[], Mapping[str, int]],
    error_body: Callable[[YamabikoError], Mapping[str, Any]],
    timestamps: bool = False,
) -> AsyncGenerator[EncodedPart, None]:
    """Yield each part as an event, a comment whenever no part comes, and `done` at the end.

    An error after the first part is an event too, and is raised then.
    """
    begun = False
    try:
        async with aclosing(parts), aclosing(none_when_quiet(parts, QUIET_SECONDS)) as coming:
            async for part in coming:
                begun = True
                yield EncodedPart(COMMENT) if part is None else _events_of(part, timestamps)
    except YamabikoError as error:
        if begun:
            yield EncodedPart(event({"type": "error", **error_body(error)}))
        raise
    yield EncodedPart(event({"type": "speech.audio.done", "usage": usage()}))


def event(content: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(content, separators=(",", ":")).encode() + b"\n\n"


def usage_of(text: str, writer: ContainerWriter) -> dict[str, int]:
    """Return OpenAI's usage: a token is a character of text, or 50 ms of sound."""
    given = math.ceil(writer.seconds * TOKENS_A_SECOND)
    return {
        "input_tokens": len(text),
        "output_tokens": given,
        "total_tokens": len(text) + given,
    }


def _events_of(part: EncodedPart, timestamps: bool) -> EncodedPart:
    events = b""
    if timestamps and part.words:
        words = [asdict(word) for word in part.words]
        events = event({"type": "speech.audio.timestamps", "words": words})
    if part.data:
        audio = base64.b64encode(part.data).decode()
        events += event({"type": "speech.audio.delta", "audio": audio})
    return EncodedPart(events, part.words, part.timing)


async def none_when_quiet(
    items: AsyncGenerator[T, None], seconds: float
) -> AsyncGenerator[T | None, None]:
    """Yield the items, and None whenever none came for so many seconds."""
    end: Any = object()
    while True:
        coming = asyncio.ensure_future(anext(items, end))
        try:
            # Not wait_for: at its timeout it would cancel the item that is still to come.
            while not (await asyncio.wait((coming,), timeout=seconds))[0]:
                yield None
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.wait((coming,))
        if (item := coming.result()) is end:
            return
        yield item
