"""A shortcut for recordings in memory: uvicorn's protocol answers, without the application.

It serves plain requests only. A request with a header that could change the answer, and a client
that is slow to read, goes through the application, which gives the same bytes.
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
from realtime.web.routes.recordings import MOST_PATHS, parse_recording_path
from realtime.web.server.uvicorn_limits import BoundedHttp

NOT_PLAIN = frozenset((*CONDITIONAL, b"origin", b"x-request-id", b"expect"))
NOTE_SECONDS = 1.0  # between notes that a recording was heard: eviction needs no finer time


def protocol_for(services: Services) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP protocol with the shortcut before the application."""
    shortcut = Shortcut(services)

    class WithShortcut(BoundedHttp):
        limits = services.settings.limits

        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            plain = cycle.keep_alive and not self.flow.write_paused
            recording = shortcut.find(cycle.scope) if plain else None
            if recording is None or recording.body is None or recording.headers is None:
                return super()._start_asgi_task(cycle, app)
            self.transport.write(shortcut.head(recording, cycle.default_headers))
            self.transport.write(recording.body)
            cycle.response_started = cycle.response_complete = True
            cycle.on_response()

    return WithShortcut


class Shortcut:
    """The recordings in memory, found by the path of a plain request."""

    def __init__(self, services: Services) -> None:
        self._cache = services.cache
        self._urls = services.guard.urls if services.guard.keys else None
        self._hosts = Hosts(services.settings, bool(services.guard.keys))
        self._known: dict[str, FinishedRecording] = {}
        self._heads: dict[str, bytes] = {}
        # A request with an origin is answered by the application, with other headers.
        self._vary = [(b"vary", b"Origin")] if services.settings.cors.origins else []
        self._id_lines = request_id_lines()

    def find(self, scope: Any) -> FinishedRecording | None:
        path: str = scope["path"]
        if not path.startswith(AUDIO) or scope["method"] != "GET":
            return None
        if not self._is_allowed(path, scope["query_string"]):
            return None
        if not self._is_plain(scope["headers"]):
            return None
        known = self._known.get(path)
        if known is None or known.dropped:
            known = self._look_up(path)
        if known is not None and time.monotonic() - known.noted_at > NOTE_SECONDS:
            known.noted_at = time.monotonic()
            self._cache.memory.get(known.address.key, known.suffix)
            self._cache.note_heard(known.address)
        return known

    def _is_allowed(self, path: str, query: bytes) -> bool:
        """Return whether the URL needs no check: with keys, it was checked not long ago."""
        if self._urls is None:
            return not query
        return b"rate=" not in query and self._urls.was_checked(path, query)

    def _is_plain(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Return whether there is one Host that is ours, and no header that changes the answer."""
        hosts = 0
        for name, value in headers:
            if name == b"host" and self._hosts.allow(value):
                hosts += 1
            elif name == b"host" or name in NOT_PLAIN:
                return False
        return hosts == 1

    def head(self, recording: FinishedRecording, defaults: list[tuple[bytes, bytes]]) -> bytes:
        """Return the head of the answer as it goes over the wire."""
        if recording.etag not in self._heads:
            if len(self._heads) >= MOST_PATHS:
                self._heads.clear()
            self._heads[recording.etag] = _lines([*(recording.headers or []), *self._vary])
        id_lines = next(self._id_lines)
        return b"HTTP/1.1 200 OK\r\n" + _lines(defaults) + self._heads[recording.etag] + id_lines

    def _look_up(self, path: str) -> FinishedRecording | None:
        parsed = parse_recording_path(path[len(AUDIO) :])
        if parsed is None:
            return None
        address, suffix = parsed
        recording = self._cache.memory.get(address.key, suffix)
        if recording is None or recording.address != address:
            return None
        if len(self._known) >= MOST_PATHS:
            self._known.clear()
        self._known[path] = recording
        return recording


def request_id_lines() -> Iterator[bytes]:
    """Return the last lines of each head, each with a request id of its own."""
    mark = secrets.token_hex(10)  # once: a counter behind it costs less than a random id each
    end = "x-content-type-options: nosniff\r\n\r\n"
    return (f"x-request-id: {mark}{number:012x}\r\n{end}".encode() for number in count(1))


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(name + b": " + value + b"\r\n" for name, value in headers)
