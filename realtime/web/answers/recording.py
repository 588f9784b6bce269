"""A recording as an answer: whole, in ranges, or while it grows."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Iterable

from starlette.types import Receive, Scope, Send

from realtime.audio.formats import FORMATS
from realtime.cache import SIDECAR, Address, FinishedRecording, GrowingRecording
from realtime.errors import NotFound
from realtime.services import Services
from realtime.web.answers.error_body import Refusal
from realtime.web.answers.errors import ErrorResponse
from realtime.web.answers.ranges import CONDITIONAL, ByteRange, Decision, content_range, decide
from realtime.web.answers.sending import Answer, Stalled, answer_unless_gone, break_off, send_part

logger = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]

FOR_EVER = b"public, max-age=31536000, immutable"


async def send_recording(
    services: Services,
    address: Address,
    suffix: str,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Send one file of a recording; errors are raised only before its first byte."""
    in_memory = services.cache.memory.get(address.key, suffix)
    if in_memory is not None and in_memory.body is not None and in_memory.address == address:
        services.cache.note_heard(address)
        return await _send_finished(in_memory, scope, send)
    # A client that asks for the head alone listens to nothing, so nothing ends when it leaves.
    finish = services.settings.cache.finish_started or scope["method"] == "HEAD"
    async with services.other_formats.listen(address, suffix, finish) as opened:
        if opened is None:
            if suffix == SIDECAR and services.cache.growing(address.key) is not None:
                return await _refuse_growing(scope, receive, send)
            raise recording_not_found()
        if isinstance(opened.source, FinishedRecording):
            return await _send_finished(opened.source, scope, send)
        await _send_growing(opened.source, suffix, scope, receive, send)


def recording_not_found() -> NotFound:
    return NotFound(
        "There is no recording at this address.",
        code="recording_not_found",
        hint="Ask for the line again: it is spoken anew.",
    )


async def _send_finished(finished: FinishedRecording, scope: Scope, send: Send) -> None:
    conditions = {
        name.decode(): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in CONDITIONAL
    }
    tag = f'"{finished.etag}"'
    decision = decide(conditions, scope["method"], tag, finished.size)
    head, body = _answer_to(decision, finished, tag)
    await send({"type": "http.response.start", "status": decision.status, "headers": head})
    if scope["method"] == "HEAD" or decision.status in (304, 412, 416):
        await send({"type": "http.response.body", "body": b""})
    elif decision.status == 200 and finished.body is not None:
        await send({"type": "http.response.body", "body": finished.body})
    else:
        try:
            async for data in body:
                await send_part(send, data)
        except (Stalled, OSError) as error:
            logger.warning("a recording was broken off: %r", error)
            return break_off(scope)
        await send({"type": "http.response.body", "body": b""})


def _answer_to(
    decision: Decision, finished: FinishedRecording, tag: str
) -> tuple[Headers, AsyncIterator[bytes]]:
    """Return the headers and the body of a finished file; the body may be empty."""
    if decision.status == 200:
        if finished.headers is None:
            finished.headers = _headers(finished, tag, finished.size)
        return finished.headers, finished.chunks()
    if decision.status == 304:
        return _headers(finished, tag, None), _empty_body()
    if decision.status != 206:
        length = [(b"content-length", b"0")]
        if decision.status == 416:
            length.append((b"content-range", content_range(None, finished.size).encode()))
        return length, _empty_body()
    if len(decision.spans) == 1:
        span = decision.spans[0]
        head = _headers(finished, tag, span.size)
        head.append((b"content-range", content_range(span, finished.size).encode()))
        return head, finished.chunks(span.start, span.end)
    return _multipart(finished, tag, decision.spans)


def _multipart(
    finished: FinishedRecording, tag: str, spans: Iterable[ByteRange]
) -> tuple[Headers, AsyncIterator[bytes]]:
    """Return the answer with several spans: multipart/byteranges, RFC 9110 section 14.6."""
    mark = secrets.token_hex(12)
    kind = content_type(finished.suffix)
    heads = [
        f"\r\n--{mark}\r\nContent-Type: {kind}\r\n"
        f"Content-Range: {content_range(span, finished.size)}\r\n\r\n".encode()
        for span in spans
    ]
    tail = f"\r\n--{mark}--\r\n".encode()
    length = len(tail) + sum(map(len, heads)) + sum(span.size for span in spans)

    async def body() -> AsyncIterator[bytes]:
        for head, span in zip(heads, spans, strict=True):
            yield head
            async for data in finished.chunks(span.start, span.end):
                yield data
        yield tail

    headers = [item for item in _headers(finished, tag, length) if item[0] != b"content-type"]
    headers.append((b"content-type", f"multipart/byteranges; boundary={mark}".encode()))
    return headers, body()


def _headers(finished: FinishedRecording, tag: str, length: int | None) -> Headers:
    lifetime = b"no-cache" if finished.suffix == SIDECAR else FOR_EVER
    headers = [
        (b"etag", tag.encode()),
        (b"accept-ranges", b"bytes"),
        (b"cache-control", lifetime),
        (b"x-cache", b"hit"),
    ]
    if length is not None:
        headers.append((b"content-type", content_type(finished.suffix).encode()))
        headers.append((b"content-length", str(length).encode()))
    return headers


async def _send_growing(
    growing: GrowingRecording, suffix: str, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send the sound that is there and what still comes; break the body off when it fails."""
    headers = {
        "Content-Type": content_type(suffix),
        "Cache-Control": "no-store",
        "X-Cache": "join",
        "X-Accel-Buffering": "no",
    }
    if scope["method"] == "HEAD":
        answer = Answer(send, headers)
        await answer.begin({})
        return await answer.end()

    async def stream(send: Send) -> None:
        answer = Answer(send, headers)
        data = await growing.read(0)
        await answer.begin({})
        offset = 0
        while data:
            await answer.send(data)
            offset += len(data)
            data = await growing.read(offset)
        await answer.end()

    await answer_unless_gone(stream, scope, receive, send)


def content_type(suffix: str) -> str:
    name = suffix.rpartition(".")[2]
    return "application/json" if suffix == SIDECAR else FORMATS[name].content_type


async def _empty_body() -> AsyncIterator[bytes]:
    await asyncio.sleep(0)
    return
    yield b""


async def _refuse_growing(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = Refusal(
        404,
        "recording_growing",
        "The recording still grows; what is known of it comes when it is whole.",
        headers={"Retry-After": "1"},
    )
    await ErrorResponse(scope, refusal)(scope, receive, send)
