"""GET /audio/…: recordings by their address, finished or growing; it starts no synthesis.

It stands before the router, since what is in memory should cost no more than sending it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from realtime.audio import RATES
from realtime.cache import SIDECAR, WAV, Address, Finished, Recording, parsed
from realtime.errors import BadRequest, YamabikoError
from realtime.formats import FORMATS
from realtime.services import Services
from realtime.variants import suffix_of
from realtime.web.conditions import CONDITIONAL
from realtime.web.errors import ErrorResponse, Refusal, refusal_of
from realtime.web.links import AUDIO
from realtime.web.recording import send_recording, unknown_recording

NOT_PLAIN = frozenset((*CONDITIONAL, b"origin", b"x-request-id"))
NOSNIFF = (b"x-content-type-options", b"nosniff")
NOTED_SECONDS = 1.0  # how exactly it is known when something was heard
MOST_PATHS = 4_096  # paths whose reading is remembered


class AudioDoor:
    """Middleware that answers for recordings and hands on everything else."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(AUDIO):
            return await self._app(scope, receive, send)
        try:
            if scope["method"] not in ("GET", "HEAD"):
                return await _not_allowed(scope, receive, send)
            found = _read(scope["path"][len(AUDIO) :])
            if found is None:
                raise unknown_recording()
            address, suffix = found
            if scope["query_string"]:
                suffix = await self._with_rate(address, suffix, scope["query_string"])
            await send_recording(self._services, address, suffix, scope, receive, send)
        except YamabikoError as error:
            await ErrorResponse(scope, refusal_of(error))(scope, receive, send)

    async def _with_rate(self, address: Address, suffix: str, query: bytes) -> str:
        """The suffix of the file at the rate that the query names."""
        named = dict(parse_qsl(query.decode("ascii", "replace"))).get("rate")
        if named is None or suffix == SIDECAR:
            return suffix
        if named not in map(str, RATES):
            raise BadRequest(
                f"rate is {named[:20]!r}; there are: {', '.join(map(str, RATES))}.", field="rate"
            )
        async with self._services.cache.listen(address, WAV) as opened:
            if opened is None:
                raise unknown_recording()
            assert isinstance(opened.source, Recording | Finished), "a WAV has a rate"
            return suffix_of(FORMATS[suffix[1:]], int(named), opened.source.sample_rate)


class HotDoor:
    """The outermost callable: what is in memory leaves before anything else is asked.

    Only plain requests: whatever carries a header that could change the answer goes the long way,
    which gives the same bytes.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._cache = services.cache
        self._open = not services.settings.hosts
        self._known: dict[str, Finished] = {}
        self._number = count_of_requests()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = self._held(scope) if self._open and scope["type"] == "http" else None
        if held is None or held.headers is None:
            return await self._app(scope, receive, send)
        headers = [*held.headers, NOSNIFF, (b"x-request-id", next(self._number))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": held.body})

    def _held(self, scope: Scope) -> Finished | None:
        path: str = scope["path"]
        if scope["method"] != "GET" or not path.startswith(AUDIO) or scope["query_string"]:
            return None
        for name, _ in scope["headers"]:
            if name in NOT_PLAIN:
                return None
        known = self._known.get(path)
        if known is None or known.dropped:
            known = self._looked_up(path)
        if known is not None and time.monotonic() - known.noted > NOTED_SECONDS:
            known.noted = time.monotonic()
            self._cache.hot.get(known.address.key, known.suffix)
            self._cache.heard(known.address)
        return known

    def _looked_up(self, path: str) -> Finished | None:
        found = _read(path[len(AUDIO) :])
        held = self._cache.hot.get(found[0].key, found[1]) if found else None
        if found is None or held is None or held.body is None or held.address != found[0]:
            return None
        if len(self._known) >= MOST_PATHS:
            self._known.clear()
        self._known[path] = held
        return held


def count_of_requests() -> Iterator[bytes]:
    """Numbers for requests: nobody else's, and cheaper than chance for each."""
    mark = secrets.token_hex(10)
    return (f"{mark}{number:012x}".encode() for number in count(1))


@lru_cache(maxsize=MOST_PATHS)
def _read(path: str) -> tuple[Address, str] | None:
    """A path's address and suffix; a rate stands in the query, never in the path."""
    found = parsed(path)
    return found if found and found[1].count(".") == 1 else None


async def _not_allowed(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = Refusal(
        405,
        "method_not_allowed",
        "Recordings are only read: GET or HEAD.",
        headers={"Allow": "GET, HEAD"},
    )
    await ErrorResponse(scope, refusal)(scope, receive, send)
