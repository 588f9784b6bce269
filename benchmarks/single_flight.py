"""Benchmark: 200 equal requests at once are one synthesis; how soon does each get its first byte?

Each address is asked with a text that was never said before. The connections are open before the
first byte is sent. Bytes are only noted with their time and parsed afterwards, so that 200 readers
in one process disturb the figures little.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import time
import urllib.request
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np
import uvloop

from benchmarks import report
from benchmarks.server import Server
from realtime.audio.wav import HEADER_BYTES

CHARACTER = "af_bella"  # of kokoro
WORDS = "amber basalt cobalt drifts ember fjord garnet harbour iris juniper kestrel lagoon".split()
DOORS = (
    ("/generate", "kokoro"),
    ("/lines", "kokoro"),
    ("/lines", "tone"),
    ("/v1/audio/speech", "kokoro"),
    ("/v1/audio/speech", "tone"),
)


@dataclass(frozen=True)
class TimedAnswer:
    """An answer, and the times at which its bytes came."""

    sent: float
    status: int
    headers: Mapping[str, str]
    body: bytes
    moments: tuple[tuple[int, float], ...]  # bytes of the body that had come, and the time

    def came(self, byte: int) -> float:
        """Return the time at which that byte of the body was there."""
        return self.moments[bisect_left(self.moments, (byte + 1, 0.0))][1]


class Caller(asyncio.Protocol):
    """A connection that notes what comes and when."""

    def __init__(self) -> None:
        self._parts: list[tuple[float, bytes]] = []
        self._over: asyncio.Future[None] | None = None
        self._needs_whole_json = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parts.append((time.perf_counter(), data))
        if self._needs_whole_json and data.endswith(b"}"):
            self._end()

    def connection_lost(self, error: Exception | None) -> None:
        self._end()

    async def ask(self, request: bytes, last: bool = True) -> TimedAnswer:
        """Send a request; the answer ends with the connection, or, if not `last`, with its JSON."""
        self._parts, self._needs_whole_json = [], not last
        self._over = asyncio.get_running_loop().create_future()
        ends = b"close" if last else b"keep-alive"
        sent = time.perf_counter()
        self.transport.write(request.replace(b"\r\n\r\n", b"\r\nConnection: %b\r\n\r\n" % ends, 1))
        await self._over
        return parse_answer(sent, self._parts)

    def _end(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)


def parse_answer(sent: float, parts: list[tuple[float, bytes]]) -> TimedAnswer:
    raw = b"".join(data for _, data in parts)
    head, _, rest = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    chunked = headers.get("transfer-encoding") == "chunked"
    pieces = list(chunks(rest)) if chunked else [(0, rest)]
    body = b"".join(piece for _, piece in pieces)
    if not chunked and len(body) != int(headers["content-length"]):
        raise RuntimeError(f"{len(body)} bytes came of {headers['content-length']}")
    moments, ends = [], list(accumulate(len(data) for _, data in parts))
    for (moment, _), end in zip(parts, ends, strict=True):
        place = end - (len(raw) - len(rest))
        had = sum(min(max(place - start, 0), len(piece)) for start, piece in pieces)
        moments.append((had, moment))
    return TimedAnswer(sent, int(status.split()[1]), headers, body, tuple(moments))


def chunks(data: bytes) -> list[tuple[int, bytes]]:
    """Find the chunks of a body, each with its place in it; a body without its end is an error."""
    found: list[tuple[int, bytes]] = []
    place = 0
    while True:
        end = data.find(b"\r\n", place)
        if end < 0:
            raise RuntimeError("a chunked body was cut")
        size, start = int(data[place:end], 16), end + 2
        if not size:
            return found
        found.append((start, data[start : start + size]))
        place = start + size + 2


@dataclass(frozen=True)
class CallerResult:
    """The answer that one of the callers got."""

    cache: str  # hit, join, miss, or "" where the answer does not say
    asked: float  # when it asked for what it measures
    came: float  # when the first byte of sound, or of the address, came
    sound: bytes


def post(path: str, body: Mapping[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def get(url: str) -> bytes:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def check_status(answer: TimedAnswer) -> TimedAnswer:
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.body[:300]!r}")
    return answer


async def ask_generate(caller: Caller, text: str, engine: str) -> CallerResult:
    """Ask /generate: it answers when the recording is finished, so its first byte counts."""
    body = {"textPrompt": text, "character": CHARACTER, "language": "en"}
    request = post("/generate", {**body, "noaccent": False, "longprompt": False})
    told = check_status(await caller.ask(request, last=False))
    sound = check_status(await caller.ask(get(json.loads(told.body)["audioURL"])))
    return CallerResult(told.headers.get("x-cache", ""), told.sent, told.came(0), audio(sound))


async def ask_lines(caller: Caller, text: str, engine: str) -> CallerResult:
    body = {"text": text, "character": CHARACTER, "language": "en", "engine": engine}
    told = json.loads(check_status(await caller.ask(post("/lines", body), last=False)).body)
    sound = check_status(await caller.ask(get(told["url"])))
    return CallerResult(told["status"], sound.sent, sound.came(HEADER_BYTES), audio(sound))


async def ask_speech(caller: Caller, text: str, engine: str) -> CallerResult:
    body = {"model": engine, "voice": CHARACTER, "input": text, "response_format": "wav"}
    sound = check_status(await caller.ask(post("/v1/audio/speech", body)))
    return CallerResult(
        sound.headers["x-cache"], sound.sent, sound.came(HEADER_BYTES), audio(sound)
    )


WAYS: dict[str, Callable[[Caller, str, str], Awaitable[CallerResult]]] = {
    "/generate": ask_generate,
    "/lines": ask_lines,
    "/v1/audio/speech": ask_speech,
}


def audio(answer: TimedAnswer) -> bytes:
    return answer.body[HEADER_BYTES:]


async def at_once(
    address: str, door: str, engine: str, text: str, count: int
) -> list[CallerResult]:
    loop, (host, _, port) = asyncio.get_running_loop(), urlsplit(address).netloc.partition(":")
    callers = [(await loop.create_connection(Caller, host, int(port)))[1] for _ in range(count)]
    async with asyncio.timeout(60):
        return list(await asyncio.gather(*(WAYS[door](one, text, engine) for one in callers)))


def syntheses(address: str, engine: str) -> float:
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        told = answer.read().decode()
    pattern = rf'^yamabiko_syntheses_total{{[^}}]*engine="{engine}"[^}}]*}} (\S+)$'
    return sum(map(float, re.findall(pattern, told, re.MULTILINE)))


def delays(heard: list[CallerResult]) -> list[float]:
    """Return how many ms later than the earliest each other caller got it, once it had asked."""
    earliest, *others = sorted(heard, key=lambda one: one.came)
    return [1000 * (one.came - max(earliest.came, one.asked)) for one in others]


async def measure(address: str, door: str, engine: str, runs: int, count: int) -> dict[str, Any]:
    told, late, firsts, equal = Counter[str](), list[float](), list[float](), True
    before = syntheses(address, engine)
    for number in range(runs):
        text = f"{WORDS[number % len(WORDS)]} by the {door.rpartition('/')[2]} gate, {engine}."
        heard = await at_once(address, door, engine, text, count)
        equal = equal and bool(heard[0].sound) and len({one.sound for one in heard}) == 1
        told.update(one.cache for one in heard)
        late += delays(heard)
        firsts.append(1000 * (min(one.came for one in heard) - min(one.asked for one in heard)))
        await asyncio.sleep(0.2)  # so the next run begins on an idle server
    p50, p95 = np.percentile(late, [50, 95])
    return {
        "door": door,
        "engine": engine,
        "runs": runs,
        "requests": runs * count,
        "syntheses": round(syntheses(address, engine) - before),
        "miss": told["miss"] if not told[""] else None,
        "join": told["join"] if not told[""] else None,
        "hit": told["hit"] if not told[""] else None,
        "equal bytes": equal,
        "first ms": round(float(np.median(firsts)), 1),
        "joiner p50 ms": round(float(p50), 2),
        "p95 ms": round(float(p95), 2),
        "max ms": round(max(late), 2),
    }


async def run(runs: int, count: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="yamabiko-") as name:
        with Server(Path(name), "kokoro,tone") as server:
            return [
                await measure(server.address, door, engine, runs, count) for door, engine in DOORS
            ]


def main() -> None:
    parser = report.argument_parser("Are 200 equal requests at once one synthesis?")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(run(options.runs, options.requests))
    report.print_table(
        "Equal requests at once (first: until the earliest byte; joiner: how much later)", rows
    )
    report.write_json(options.json, {"doors": rows})


if __name__ == "__main__":
    main()
