"""Sound as server-sent events in OpenAI's shape; it knows no HTTP and no engine."""

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

QUIET_SECONDS = 3.0  # clients give up after five without a byte
COMMENT = b": still speaking\n\n"
TOKENS_A_SECOND = 20  # of sound, in the usage that clients expect


async def sound_events(
    parts: AsyncGenerator[EncodedPart, None],
    usage: Callable[[], Mapping[str, int]],
    told: Callable[[YamabikoError], Mapping[str, Any]],
    timestamps: bool = False,
) -> AsyncGenerator[EncodedPart, None]:
    """Each part as an event, a comment whenever it is quiet, `done` at the end.

    An error after the first bytes is an event too, and then breaks the stream.
    """
    begun = False
    try:
        async with aclosing(parts), aclosing(or_none(parts, QUIET_SECONDS)) as coming:
            async for part in coming:
                begun = True
                yield EncodedPart(COMMENT) if part is None else _of(part, timestamps)
    except YamabikoError as error:
        if begun:
            yield EncodedPart(event({"type": "error", **told(error)}))
        raise
    yield EncodedPart(event({"type": "speech.audio.done", "usage": usage()}))


def event(content: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(content, separators=(",", ":")).encode() + b"\n\n"


def usage_of(text: str, tape: ContainerWriter) -> dict[str, int]:
    """What was asked and given: a token is a character of text, or 50 ms of sound."""
    given = math.ceil(tape.seconds * TOKENS_A_SECOND)
    return {
        "input_tokens": len(text),
        "output_tokens": given,
        "total_tokens": len(text) + given,
    }


def _of(part: EncodedPart, timestamps: bool) -> EncodedPart:
    told = b""
    if timestamps and part.words:
        words = [asdict(word) for word in part.words]
        told = event({"type": "speech.audio.timestamps", "words": words})
    if part.data:
        audio = base64.b64encode(part.data).decode()
        told += event({"type": "speech.audio.delta", "audio": audio})
    return EncodedPart(told, part.words, part.timing)


async def or_none(items: AsyncGenerator[T, None], seconds: float) -> AsyncGenerator[T | None, None]:
    """The items, and None whenever none came for so long."""
    end: Any = object()
    while True:
        coming = asyncio.ensure_future(anext(items, end))
        try:
            while not (await asyncio.wait((coming,), timeout=seconds))[0]:
                yield None
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.wait((coming,))
        if (item := coming.result()) is end:
            return
        yield item
