"""uvicorn's protocols with bounds: on connections, on request heads, and on slow readers."""

from __future__ import annotations

import asyncio
from asyncio.events import TimerHandle
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from realtime.log import name_request
from realtime.settings import LimitsSettings
from realtime.web.answers.sending import is_broken_off
from realtime.web.requests.request_id import request_id

if TYPE_CHECKING:
    from websockets.http11 import Request

STALL_SECONDS = 30.0  # with a full buffer and no byte read: the client is not there any more
LAST_SECONDS = 2.0  # in which a client may still read what was sent last
NOT_UTF8 = 1007  # "Invalid frame payload data" (RFC 6455, section 7.4.1)

FULL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n"
SLOW = b"HTTP/1.1 408 Request Timeout\r\n"
LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
LAST = b"connection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose reader may be slow, but not for ever.

    What its frames cause in the log has the id of the socket, like what its session causes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._context = copy_context()

    def data_received(self, data: bytes) -> None:
        self._context.run(super().data_received, data)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # else the handshake was refused
            name_request(request_id(cast(Scope, self.scope)))

    async def send(self, message: Any) -> None:
        if not self.writable.is_set():
            try:
                async with asyncio.timeout(STALL_SECONDS):
                    await self.writable.wait()
            except TimeoutError:
                self._give_up()
        if self.transport.is_closing() or (self.close_sent and self.initial_response is None):
            # uvicorn tells of a client that is gone, but not of one that it closes just now.
            raise ClientDisconnected
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # by a refusal; uvicorn would log that there was none

    def send_receive_event_to_app(self) -> None:
        """Hand on a message; close where a text is no UTF-8, which uvicorn logs as a fault."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            self.frames = [b"".join(self.frames)]
            if not _is_utf8(self.frames[0]):
                self.conn.send_close(NOT_UTF8)
                return self.handle_parser_exception()
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(LAST_SECONDS, self.transport.abort)

    def _give_up(self) -> None:
        """Close with a reason behind the unread messages, and soon after without more waiting."""
        self.stop_keepalive()
        self.conn.send_close(1008, "Nothing was read for long.")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self.disconnected = True
        self.transport.close()
        self.loop.call_later(LAST_SECONDS, self.transport.abort)


def _is_utf8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


class BoundedHttp(HttpToolsProtocol):
    """An HTTP connection whose request heads come in time and in bounds, or it is closed."""

    limits: LimitsSettings
    _head_bytes = 0
    _in_head = True
    _head_due: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            return self._refuse(FULL)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            # This piece may hold a body behind the head, which only the parser can tell: so the
            # pieces before it are counted alone.
            if self._head_bytes - len(data) > self.limits.header_bytes:
                return self._refuse(LARGE)
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._in_head = True
        if self._head_due is None:
            self._start_head_timer()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop_head_timer()
        super().handle_websocket_upgrade()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        async def run(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)
            if is_broken_off(scope):
                # uvicorn would log a body without its end as a fault of the application.
                cycle.disconnected = True
                self._close_soon()

        super()._start_asgi_task(cycle, run)

    def _close_soon(self) -> None:
        """Send what is left to a client that still reads, and close in any case."""
        self.transport.close()
        self.loop.call_later(LAST_SECONDS, self.transport.abort)

    def _start_head_timer(self) -> None:
        self._head_due = self.loop.call_later(self.limits.header_seconds, self._refuse, SLOW)

    def _stop_head_timer(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _refuse(self, head: bytes) -> None:
        self._stop_head_timer()
        if not self.transport.is_closing():
            self.transport.write(head + LAST)
            self.transport.close()
