"""Authentication answers random requests with a reason, and lets nobody in by accident."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from starlette.types import Message, Receive, Scope, Send

from realtime.access.canonical import query_parts
from realtime.services import Services
from realtime.settings import LimitsSettings, Settings
from realtime.web.entry.authentication import Authentication, is_open
from realtime.web.entry.body_limit import BodyLimit
from realtime.web.entry.credentials import HEADERS, QUERY
from realtime.web.requests.caller import SCOPE
from tests.support.keyed_server import SECRET, FakeTime, keyed_services, signed_headers
from tests.support.signed_requests import documented_signature

SEED = 20_261_121
ROUNDS = 1_000  # of each kind in a usual run
MANY = 70_000  # of each kind in a slow one: four kinds are 280,000
ALLOWED = {401, 403, 408, 413, 429}
TOKEN = re.compile(r"(?:bot|other)?\.[0-9]+\.[0-9]{22}\.[A-Za-z0-9_-]{43}")
BYTES = bytes(range(256))
SPARE = b"%&=;,. +/-_~\x00\xff\xc3\xa9{}\"'<>\r\n"

Request = tuple[Scope, bytes]  # what came, and its body


class Fuzzer:
    """Right requests of every kind, and random changes to them."""

    def __init__(self, services: Services, fake_time: FakeTime, seed: int) -> None:
        self.services = services
        self.fake_time = fake_time
        self.random = random.Random(seed)
        self.given: set[str] = set()  # tickets and cookies

    def header_signed(self) -> Request:
        body = self.random.randbytes(self.random.randrange(20))
        method = self.random.choice(("GET", "POST", "DELETE", "PUT"))
        path = self.random.choice(("/lines", "/api/info", "/en/a/b.wav", "/%E3%81%82"))
        query = self.random.choice(("", "a=1&b=2", "b=%20&a=+", "x"))
        target = f"{path}?{query}" if query else path
        headers = signed_headers(self.fake_time, method, target, body)
        return self.scope(method, path, query, headers), body

    def query_signed(self) -> Request:
        method, path = self.random.choice((("GET", "/ws"), ("GET", "/lines/x")))
        headers = signed_headers(self.fake_time, method, path)
        names = ("kid", "t", "n", "sig")
        query = "&".join(f"{n}={v}" for n, v in zip(names, headers.values(), strict=True))
        return self.scope(method, path, query, {}, socket=path == "/ws"), b""

    def token(self) -> Request:
        if self.random.random() < 0.5:
            ticket, _ = self.services.guard.make_ticket("bot")
            self.given.add(ticket)
            return self.scope("GET", "/ws", f"ticket={ticket}", {}, socket=True), b""
        written = self.services.guard.make_cookie("other")
        self.given.add(written)
        cookie = {"Cookie": f"yamabiko={written}"}
        return self.scope("GET", "/api/info", "", cookie), b""

    def key_or_url(self) -> Request:
        if self.random.random() < 0.3:
            bearer = {"Authorization": f"Bearer bot:{SECRET}"}
            return self.scope("GET", "/metrics", "", bearer), b""
        urls = self.services.guard.urls
        path = "/audio/en/a/short/b-0123456789abcdef.wav"
        rate = self.random.choice(("", "8000"))
        query = urls.sign("bot", path, rate, urls.expires_ms())
        return self.scope("GET", path, f"rate={rate}&{query}" if rate else query, {}), b""

    def scope(
        self, method: str, path: str, query: str, headers: dict[str, str], socket: bool = False
    ) -> Scope:
        named = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        return {
            "type": "websocket" if socket else "http",
            "scheme": "ws" if socket else "http",
            **({} if socket else {"method": method}),
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": named,
            "client": ("127.0.0.1", 1),
            "extensions": {"websocket.http.response": {}},
        }

    def change(self, request: Request) -> Request:
        """Change one part: a byte, a header, the query, the path, the body or the method."""
        scope, body = request
        scope = {**scope, "headers": list(scope["headers"])}
        what = self.random.choice(("header", "query", "body", "path", "method", "drop", "twice"))
        if what == "header" and scope["headers"]:
            place = self.random.randrange(len(scope["headers"]))
            name, value = scope["headers"][place]
            scope["headers"][place] = (name, self.mutate(value))
        elif what == "drop" and scope["headers"]:
            del scope["headers"][self.random.randrange(len(scope["headers"]))]
        elif what == "twice" and scope["headers"]:
            scope["headers"].append(self.random.choice(scope["headers"]))
        elif what == "body":
            body = self.mutate(body)
        elif what == "path":
            scope["raw_path"] = self.mutate(scope["raw_path"])
            scope["path"] = scope["raw_path"].decode("utf-8", "replace")
        elif what == "method" and scope["type"] == "http":
            scope["method"] = self.random.choice(("PATCH", "get ", "", "TRACE"))
        else:
            scope["query_string"] = self.mutate(scope["query_string"])
        return scope, body

    def mutate(self, data: bytes) -> bytes:
        kind = self.random.randrange(6)
        place = self.random.randrange(len(data) + 1)
        noise = bytes(
            self.random.choices(SPARE if kind % 2 else BYTES, k=self.random.randint(1, 4))
        )
        if kind == 0 or not data:
            return data[:place] + noise + data[place:]
        if kind == 1:
            return data[:place] + data[place + 1 :] if place < len(data) else data[:-1]
        if kind == 2:
            return data[:place] + noise + data[place + len(noise) :]
        if kind == 3:
            other = self.random.randrange(len(data))
            swapped = bytearray(data)
            swapped[place - 1], swapped[other] = swapped[other], swapped[place - 1]
            return bytes(swapped)
        if kind == 4:
            return self.random.randbytes(self.random.randrange(60))
        return data * self.random.randint(2, 4)


async def status_of(app: Any, scope: Scope, body: bytes) -> int:
    """Return the status, or 0 where the request was let in."""
    status = -1

    async def receive() -> Message:
        if scope["type"] == "websocket":
            return {"type": "websocket.connect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if status < 0:
            status = message.get("status", 403)

    await app(scope, receive, send)
    return 0 if status < 0 else status


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0)


async def fuzz(
    services: Services, fake_time: FakeTime, make: Callable[[Fuzzer], Request], n: int
) -> None:
    fuzzer = Fuzzer(services, fake_time, SEED)
    app = BodyLimit(Authentication(inside, services), LimitsSettings())
    for number in range(n):
        right = make(fuzzer)
        assert await status_of(app, dict(right[0]), right[1]) == 0, right
        wrong = fuzzer.change(make(fuzzer))
        for _ in range(fuzzer.random.choice((0, 0, 1, 3))):
            wrong = fuzzer.change(wrong)
        status = await status_of(app, wrong[0], wrong[1])
        if status == 0:
            check_admitted(fuzzer, wrong[0], wrong[1])
        else:
            assert status in ALLOWED, (status, wrong)
        if number % 500 == 0:
            fake_time.advance(1)


def check_admitted(fuzzer: Fuzzer, scope: Scope, body: bytes) -> None:
    """Check the credentials of a request that was let in, without the code under test."""
    caller = scope[SCOPE]
    headers = [(name, value.strip()) for name, value in scope["headers"]]
    query = dict(query_parts(scope["query_string"]))
    if is_open(scope):
        return
    if caller.way == "bearer":
        shown = [value.split() for name, value in headers if name == b"authorization"]
        assert shown == [[shown[0][0], f"bot:{SECRET}".encode()]]
    elif caller.way in ("cookie", "ticket"):
        shown_bytes = b"\n".join([*(value for _, value in headers), *query.values()])
        assert fuzzer.given & set(TOKEN.findall(shown_bytes.decode("latin-1")))
    elif caller.way == "address":
        rate, expiry = (query.get(name, b"").decode() for name in (b"rate", b"e"))
        message = "\n".join((scope["path"], rate, expiry))
        assert query[b"s"].decode()[6:] == documented_signature(
            SECRET, "audio", message.encode("utf-8")
        )
    else:
        in_query = b"kid" in query or b"sig" in query
        found, names = (query, QUERY) if in_query else (dict(headers), HEADERS)
        parts = [found[name] for name in names]
        time, nonce, signature = parts[1:]
        is_socket = scope["type"] == "websocket"
        digest = hashlib.sha256(b"" if is_socket else body).hexdigest().encode()
        target = (scope.get("method", "GET").encode(), scope["raw_path"], sorted_query(query))
        message = b"\n".join((b"v1", *target, b"bot", time, nonce, digest))
        assert signature.decode() == documented_signature(SECRET, "request", message)


def sorted_query(query: dict[bytes, bytes]) -> bytes:
    kept = {n: v for n, v in query.items() if n not in QUERY}
    quoted = sorted((quote(n, safe=""), quote(v, safe="")) for n, v in kept.items())
    return "&".join(f"{name}={value}" for name, value in quoted).encode()


KINDS = [Fuzzer.header_signed, Fuzzer.query_signed, Fuzzer.token, Fuzzer.key_or_url]


def services_for(settings: Settings, fake_time: FakeTime) -> Services:
    most = 1 << 30
    limits = LimitsSettings(requests=most, refusals=most)
    return keyed_services(replace(settings, limits=limits), fake_time)


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_changed_is_refused_with_a_reason(settings: Settings, kind: Any) -> None:
    fake_time = FakeTime()
    await fuzz(services_for(settings, fake_time), fake_time, kind, ROUNDS)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
async def test_many_of_them(settings: Settings, kind: Any) -> None:
    fake_time = FakeTime()
    await fuzz(services_for(settings, fake_time), fake_time, kind, MANY)
