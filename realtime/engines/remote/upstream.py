"""The way of a request to a server elsewhere: its time limits, its tries, and its bounded answer.

It is the standard library's client, not one with more comfort: a cancel needs the socket itself,
redirects are never followed, and no proxy of the environment stands in between.
"""

from __future__ import annotations

import json
import select
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode

from realtime import VERSION
from realtime.engine_settings import RemoteSettings
from realtime.engines.remote import faults
from realtime.engines.remote.answer import UpstreamAnswer
from realtime.engines.remote.call import RemoteCall
from realtime.engines.remote.circuit_breaker import CircuitBreaker
from realtime.engines.remote.faults import ConnectionFailed
from realtime.engines.remote.servers import RemoteServer

RETRY_SECONDS = 0.2  # before the first further try; twice as long before each next one
TRY_AGAIN = (502, 503, 504)  # statuses of a server that is not there just now
MOST_JSON = 4 << 20  # bytes of an answer that is no sound
MOST_ERROR = 16 << 10


@dataclass(frozen=True)
class UpstreamRequest:
    """A request: its path below the server's address, and the JSON in its body."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    content: Any = None  # None: no body

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def body(self) -> bytes | None:
        if self.content is None:
            return None
        return json.dumps(self.content, ensure_ascii=False).encode()


class Upstream:
    """A server elsewhere, as this one talks to it; threads may ask it at the same time."""

    def __init__(
        self,
        server: RemoteServer,
        settings: RemoteSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.server = server
        self.breaker = CircuitBreaker(
            server.label, settings.breaker_failures, settings.breaker_seconds, clock
        )
        self._settings = settings
        self._lock = threading.Lock()
        self._idle: list[HTTPConnection] = []
        # A server that stops unloads no model; its connections must be closed all the same.
        weakref.finalize(self, _close_all, self._idle)
        self._is_closed = False
        self._key = ""

    def read_key(self) -> None:
        self._key = self.server.key()

    def close(self) -> None:
        """Close the connections that wait for a next request; those in use end with theirs."""
        with self._lock:
            self._is_closed = True
            _close_all(self._idle)

    @contextmanager
    def answer(self, request: UpstreamRequest, call: RemoteCall) -> Iterator[UpstreamAnswer]:
        """Ask, and give the answer once its first bytes are there; any other status is an error."""
        with self.breaker.request(), call.within(self._settings.total_seconds):
            answer = self._first_answer(request, call)
            try:
                yield answer
            finally:
                call.hold(None)
                self._put_back(answer)

    def json(self, request: UpstreamRequest, call: RemoteCall) -> Any:
        """Ask for something that is no sound."""
        with self.answer(request, call) as answer:
            body = answer.whole(MOST_JSON)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise faults.failed(self.server.label, f"{request.path} gives no JSON") from error

    def said(self, body: bytes) -> str:
        """Return what the server said in a body, without our key."""
        return faults.said_in(body, self._key)

    def _first_answer(self, request: UpstreamRequest, call: RemoteCall) -> UpstreamAnswer:
        """Try until an answer begins; after its first bytes nothing is tried again."""
        for number in range(self._settings.retries):
            try:
                return self._try(request, call)
            except ConnectionFailed:
                call.wait(RETRY_SECONDS * 2**number)
        try:
            return self._try(request, call)
        except ConnectionFailed as failure:
            raise failure.error from failure

    def _try(self, request: UpstreamRequest, call: RemoteCall) -> UpstreamAnswer:
        call.check()
        connection = self._connected(call)
        try:
            connection.request(
                request.method,
                self.server.address.path + request.target,
                request.body,
                self._headers(request),
            )
            response = connection.getresponse()
            answer = UpstreamAnswer(self.server.label, connection, response, call, self._settings)
            answer.read_ahead()
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            raise self._failure(error, call) from error
        except BaseException:
            connection.close()
            raise
        if response.status // 100 != 2:
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: UpstreamAnswer) -> Exception:
        """Return the error of an answer that is none."""
        said = self.said(answer.start_of_error(MOST_ERROR))
        answer.close()
        error = faults.of_status(self.server.label, answer.status, said)
        return ConnectionFailed(error) if answer.status in TRY_AGAIN else error

    def _failure(self, error: Exception, call: RemoteCall) -> Exception:
        """Return the error of a request that was not answered."""
        call.check()
        label, settings = self.server.label, self._settings
        if call.time_is_up:
            return faults.timed_out(label, settings.total_seconds, "total_seconds")
        if isinstance(error, TimeoutError):
            return faults.timed_out(label, settings.read_seconds, "read_seconds")
        reason = str(error) or type(error).__name__
        return ConnectionFailed(faults.failed(label, f"it ended the connection ({reason})"))

    def _connected(self, call: RemoteCall) -> HTTPConnection:
        """Take a connection that waits, or make one."""
        connection = self._waiting() or self._new_connection()
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(self._settings.read_seconds)
            call.hold(connection.sock)
        except (OSError, ValueError) as error:
            connection.close()
            call.check()
            slow = f"no connection within {self._settings.connect_seconds:g} s"
            reason = slow if isinstance(error, TimeoutError) else str(error)
            unreachable = faults.unreachable(self.server.label, reason)
            raise ConnectionFailed(unreachable) from error
        return connection

    def _new_connection(self) -> HTTPConnection:
        address, seconds = self.server.address, self._settings.connect_seconds
        assert address.hostname, "servers without a host are refused"
        if address.scheme == "https":
            context = ssl.create_default_context()
            return HTTPSConnection(address.hostname, address.port, timeout=seconds, context=context)
        return HTTPConnection(address.hostname, address.port, timeout=seconds)

    def _waiting(self) -> HTTPConnection | None:
        """Take a connection on which the server has said nothing, so that it is still open."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if not _has_input(connection):
                return connection
            connection.close()

    def _put_back(self, answer: UpstreamAnswer) -> None:
        """Keep the connection of a whole answer for the next request."""
        with self._lock:
            has_room = not self._is_closed and len(self._idle) < self.server.lines
            if answer.can_go_on and has_room:
                answer.finish()
                self._idle.append(answer.connection)
                return
        answer.close()

    def _headers(self, request: UpstreamRequest) -> dict[str, str]:
        headers = {"User-Agent": f"yamabiko/{VERSION}"}
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return headers


def _close_all(connections: list[HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def _has_input(connection: HTTPConnection) -> bool:
    """Tell whether something came on an idle connection: its end, or what nobody asked for."""
    if connection.sock is None:
        return True
    poll = select.poll()  # not select(), which takes no descriptor over 1023
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
