"""Server-sent events: sound, a comment when it is quiet, an end, and errors."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from realtime.audio.encoding import ContainerWriter, EncodedPart
from realtime.audio.formats import FORMATS
from realtime.audio.spoken import Word
from realtime.errors import SynthesisFailed
from realtime.web.answers import server_sent_events
from realtime.web.answers.server_sent_events import none_when_quiet, sound_events, usage_of

USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


async def two_parts() -> AsyncIterator[EncodedPart]:
    yield EncodedPart(b"one", (Word("a", 0.0, 0.1),), {"text": 1.0})
    yield EncodedPart(b"")
    yield EncodedPart(b"two")


async def break_after(parts: int) -> AsyncIterator[EncodedPart]:
    for _ in range(parts):
        yield EncodedPart(b"one")
    raise SynthesisFailed("It broke.")


def error_body(error: Exception) -> dict[str, Any]:
    return {"error": {"message": str(error)}}


def stream(parts: Any, timestamps: bool = False) -> AsyncGenerator[EncodedPart, None]:
    return sound_events(parts, lambda: USAGE, error_body, timestamps)


def read_events(data: bytes) -> list[dict[str, Any]]:
    """Return the events in a stream, as a client's parser sees them."""
    blocks = data.decode().split("\n\n")
    assert blocks.pop() == "", "the last event ends like the others"
    assert all(block.startswith("data: ") for block in blocks)
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


@pytest.mark.anyio
async def test_sound_comes_as_deltas_and_ends_with_done() -> None:
    parts = [part async for part in stream(two_parts())]
    assert parts[0].timing == {"text": 1.0}
    found = read_events(b"".join(part.data for part in parts))
    assert [each["type"] for each in found] == [
        "speech.audio.delta",
        "speech.audio.delta",
        "speech.audio.done",
    ]
    assert [base64.b64decode(each["audio"]) for each in found[:2]] == [b"one", b"two"]
    assert found[-1]["usage"] == USAGE


@pytest.mark.anyio
async def test_words_come_when_they_are_asked_for() -> None:
    data = b"".join([part.data async for part in stream(two_parts(), timestamps=True)])
    first = read_events(data)[0]
    assert first["type"] == "speech.audio.timestamps"
    assert first["words"] == [{"text": "a", "start": 0.0, "end": 0.1}]


@pytest.mark.anyio
async def test_an_error_before_anything_is_only_raised() -> None:
    with pytest.raises(SynthesisFailed):
        await anext(stream(break_after(0)))


@pytest.mark.anyio
async def test_an_error_later_is_told_and_raised() -> None:
    data = b""
    with pytest.raises(SynthesisFailed):
        async for part in stream(break_after(1)):
            data += part.data
    last = read_events(data)[-1]
    assert last == {"type": "error", "error": {"message": "It broke."}}


@pytest.mark.anyio
async def test_quiet_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_sent_events, "QUIET_SECONDS", 0.001)
    go_on = asyncio.Event()

    async def late() -> AsyncIterator[EncodedPart]:
        await go_on.wait()
        yield EncodedPart(b"one")

    coming = stream(late())
    assert (await anext(coming)).data == server_sent_events.COMMENT
    assert server_sent_events.COMMENT.startswith(b":") and server_sent_events.COMMENT.endswith(
        b"\n\n"
    )
    go_on.set()
    rest = b"".join([part.data async for part in coming]).replace(server_sent_events.COMMENT, b"")
    assert [each["type"] for each in read_events(rest)] == [
        "speech.audio.delta",
        "speech.audio.done",
    ]


@pytest.mark.anyio
async def test_who_leaves_in_the_quiet_ends_what_was_awaited() -> None:
    left = False

    async def never() -> AsyncIterator[int]:
        nonlocal left
        try:
            await asyncio.Event().wait()
            yield 1
        finally:
            left = True

    coming = none_when_quiet(never(), 0.001)
    assert await anext(coming) is None
    await coming.aclose()
    assert left


@pytest.mark.anyio
async def test_who_leaves_between_two_events_closes_the_sound() -> None:
    parts = two_parts()
    coming = stream(parts)
    await anext(coming)
    await coming.aclose()
    assert [part async for part in parts] == [], "it is closed: nothing comes any more"


def test_usage_counts_characters_and_sound() -> None:
    writer = ContainerWriter(FORMATS["pcm"], 24000, None)
    writer.seconds = 1.01
    found = usage_of("Hello", writer)
    assert found == {"input_tokens": 5, "output_tokens": 21, "total_tokens": 26}
