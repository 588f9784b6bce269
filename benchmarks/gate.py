"""The time that authentication adds to a request, in the process and over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.types import Message, Receive, Scope, Send

from benchmarks.server import Server
from realtime.access import Clock, string_to_sign
from realtime.access.signatures import SaltedSigner
from realtime.services import build
from realtime.settings import AuthSettings, LimitsSettings, Settings
from realtime.web.entry.authentication import Authentication
from realtime.web.entry.body_limit import BodyLimit

KEY, SECRET = "bench", "s" * 43
BODY = json.dumps({"text": "Hello there, traveller.", "character": "af_heart"}).encode()
MOST = str(1 << 30)  # requests a minute, so that no limit is reached

Headers = dict[str, str]


def signed_headers(method: str, path: str, body: bytes) -> Headers:
    time_ms, nonce = str(time.time_ns() // 1_000_000), Clock().random_text(16)
    digest = hashlib.sha256(body).hexdigest()
    message = string_to_sign(method, path.encode(), b"", KEY, time_ms, nonce, digest)
    signature = SaltedSigner([SECRET], "request").sign(message)
    return {
        "X-Yamabiko-Key": KEY,
        "X-Yamabiko-Time": time_ms,
        "X-Yamabiko-Nonce": nonce,
        "X-Yamabiko-Signature": signature,
    }


def bearer_headers(method: str, path: str, body: bytes) -> Headers:
    return {"Authorization": f"Bearer {KEY}:{SECRET}"}


WAYS: dict[str, Callable[[str, str, bytes], Headers]] = {
    "signed": signed_headers,
    "bearer": bearer_headers,
}


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return a row for each way to authenticate: the medians of the added milliseconds."""
    inside = asyncio.run(in_process(rounds))
    outside = over_http(rounds)
    return [{"way": way, "in_process_ms": inside[way], "http_ms": outside[way]} for way in WAYS]


async def in_process(rounds: int) -> dict[str, float]:
    """Time the middleware of authentication and body limit against the bare application."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            keys=(f"{KEY}:{SECRET}",),
            auth=AuthSettings(
                keys_path=Path(folder) / "keys.yaml", skew_seconds=0.01, nonces=1_000_000
            ),
            limits=replace(LimitsSettings(), requests=1 << 30),
        )
        services = build(settings)
        await asyncio.sleep(0.05)
        ways = {way: BodyLimit(Authentication(_app, services), settings.limits) for way in WAYS}
        return {way: await _added(way, app, rounds) for way, app in ways.items()}


async def _added(way: str, app: Any, rounds: int) -> float:
    guarded: list[float] = []
    bare: list[float] = []
    for _ in range(rounds):
        scope = _scope(WAYS[way]("POST", "/lines", BODY))
        for spent, called in ((bare, _app), (guarded, app)):
            begun = time.perf_counter()
            await called(scope, _receive, _send)
            spent.append(1000 * (time.perf_counter() - begun))
    return _apart(guarded, bare)


def over_http(rounds: int) -> dict[str, float]:
    """Time requests in turns to a server with keys and to one without."""
    with Server(preload="tone") as free, _keyed() as keyed:
        return {way: _http_added(free.address, keyed.address, way, rounds) for way in WAYS}


def _keyed() -> Server:
    keys = f"{KEY}:{SECRET}"
    return Server(preload="tone", YAMABIKO_KEYS=keys, YAMABIKO_LIMITS__REQUESTS=MOST)


def _http_added(free: str, keyed: str, way: str, rounds: int) -> float:
    spent: dict[str, list[float]] = {free: [], keyed: []}
    connections = {base: http.client.HTTPConnection(str(urlsplit(base).netloc)) for base in spent}
    for _ in range(rounds):
        for base, connection in connections.items():
            headers = WAYS[way]("GET", "/v1/models", b"") if base == keyed else {}
            begun = time.perf_counter()
            connection.request("GET", "/v1/models", headers=headers)
            answer = connection.getresponse()
            answer.read()
            spent[base].append(1000 * (time.perf_counter() - begun))
            assert answer.status == 200, answer.status
    return _apart(spent[keyed], spent[free])


def _apart(more: list[float], less: list[float]) -> float:
    return float(round(statistics.median(more) - statistics.median(less), 4))


def _scope(headers: Headers) -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "path": "/lines",
        "raw_path": b"/lines",
        "query_string": b"",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()


async def _receive() -> Message:
    return {"type": "http.request", "body": BODY, "more_body": False}


async def _send(message: Message) -> None:
    raise AssertionError(f"a right request was refused: {message}")
