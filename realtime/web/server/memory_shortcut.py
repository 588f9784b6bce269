"""What is in memory leaves before anything else is asked: neither task nor application nor router.

Only for plain requests. Whatever carries a header that could change the answer, and every client
that is slow to read, goes the long way, which gives the same bytes.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from realtime.cache import FinishedRecording
from realtime.services import Services
from realtime.web.answers.links import AUDIO
from realtime.web.answers.ranges import CONDITIONAL
from realtime.web.entry.hosts_and_origins import Hosts
from realtime.web.routes.recordings import MOST_PATHS, read_path
from realtime.web.server.uvicorn_limits import Bounded

NOT_PLAIN = frozenset((*CONDITIONAL, b"origin", b"x-request-id", b"expect"))
NOTED_SECONDS = 1.0  # how exactly it is known when something was heard


def protocol_for(services: Services) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol with a way past the application for what is in memory."""
    shortcut = Shortcut(services)

    class Shortened(Bounded):
        limits = services.settings.limits

        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            plain = cycle.keep_alive and not self.flow.write_paused
            held = shortcut.held(cycle.scope) if plain else None
            if held is None or held.body is None or held.headers is None:
                return super()._start_asgi_task(cycle, app)
            self.transport.write(shortcut.head(held, cycle.default_headers))
            self.transport.write(held.body)
            cycle.response_started = cycle.response_complete = True
            cycle.on_response()

    return Shortened


class Shortcut:
    """Finds what a plain request asks for, if it lies in memory."""

    def __init__(self, services: Services) -> None:
        self._cache = services.cache
        self._addresses = services.guard.addresses if services.guard.keys else None
        self._hosts = Hosts(services.settings, bool(services.guard.keys))
        self._known: dict[str, FinishedRecording] = {}
        self._heads: dict[str, bytes] = {}
        self._numbers = numbers_of_requests()

    def held(self, scope: Any) -> FinishedRecording | None:
        path: str = scope["path"]
        if not path.startswith(AUDIO) or scope["method"] != "GET":
            return None
        if not self._may(path, scope["query_string"]) or not self._plain(scope["headers"]):
            return None
        known = self._known.get(path)
        if known is None or known.dropped:
            known = self._looked_up(path)
        if known is not None and time.monotonic() - known.noted_at > NOTED_SECONDS:
            known.noted_at = time.monotonic()
            self._cache.memory.get(known.address.key, known.suffix)
            self._cache.note_heard(known.address)
        return known

    def _may(self, path: str, query: bytes) -> bool:
        """With keys only who comes with a signed address that was checked before."""
        if self._addresses is None:
            return not query
        return b"rate=" not in query and self._addresses.known(path, query)

    def _plain(self, headers: list[tuple[bytes, bytes]]) -> bool:
        named = 0
        for name, value in headers:
            if name == b"host" and self._hosts.allow(value):
                named += 1
            elif name == b"host" or name in NOT_PLAIN:
                return False
        return named == 1

    def head(self, held: FinishedRecording, defaults: list[tuple[bytes, bytes]]) -> bytes:
        """The head of the answer as it goes over the wire."""
        if held.etag not in self._heads:
            if len(self._heads) >= MOST_PATHS:
                self._heads.clear()
            self._heads[held.etag] = _lines(held.headers or [])
        number = next(self._numbers)
        return b"HTTP/1.1 200 OK\r\n" + _lines(defaults) + self._heads[held.etag] + number

    def _looked_up(self, path: str) -> FinishedRecording | None:
        found = read_path(path[len(AUDIO) :])
        held = self._cache.memory.get(found[0].key, found[1]) if found else None
        if found is None or held is None or held.address != found[0]:
            return None
        if len(self._known) >= MOST_PATHS:
            self._known.clear()
        self._known[path] = held
        return held


def numbers_of_requests() -> Iterator[bytes]:
    """The last lines of each head: a number that nobody else has, cheaper than chance for each."""
    mark = secrets.token_hex(10)
    end = "x-content-type-options: nosniff\r\n\r\n"
    return (f"x-request-id: {mark}{number:012x}\r\n{end}".encode() for number in count(1))


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(name + b": " + value + b"\r\n" for name, value in headers)
