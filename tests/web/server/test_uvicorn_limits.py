"""Connections that are too many, too slow or too wordy are closed; others notice nothing."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState

from realtime.settings import LimitsSettings
from realtime.web.server.uvicorn_limits import BoundedHttp, BoundedSocket
from tests.support.polling import until
from tests.support.raw_socket import CLOSE, TEXT, UPGRADE, frame
from tests.support.server import AnnouncingServer

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
CLOSING = {"type": "websocket.close", "code": 1011}


async def app(scope: dict[str, object], receive: object, send: object) -> None:
    assert callable(receive) and callable(send)
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@contextmanager
def serve_app(limits: LimitsSettings) -> Iterator[tuple[str, int]]:
    kind = type("Limited", (BoundedHttp,), {"limits": limits})
    config = uvicorn.Config(app, http=kind, log_config=None, lifespan="off", ws="none")
    server = AnnouncingServer(config)
    server.listening = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert server.listening.wait(20)
        yield listener.getsockname()
        server.should_exit = True
        thread.join(20)


def status_line(connection: socket.socket) -> bytes:
    """Return the status line, or nothing where the server just closed."""
    connection.settimeout(10)
    try:
        return connection.recv(1 << 16).partition(b"\r\n")[0]
    except ConnectionError:
        return b""


@pytest.fixture(scope="module")
def bounded() -> Iterator[tuple[str, int]]:
    with serve_app(LimitsSettings(header_bytes=4_096, header_seconds=1, connections=20)) as address:
        yield address


def test_a_request_in_time_is_answered_as_often_as_it_comes(bounded: tuple[str, int]) -> None:
    with socket.create_connection(bounded) as connection:
        for _ in range(3):
            connection.sendall(HEAD + b"\r\n")
            assert status_line(connection) == b"HTTP/1.1 204 No Content"


@pytest.mark.parametrize("sent", [b"", b"G", HEAD])
def test_a_head_that_does_not_come_in_time_ends(bounded: tuple[str, int], sent: bytes) -> None:
    with socket.create_connection(bounded) as connection:
        connection.sendall(sent)
        assert status_line(connection) == b"HTTP/1.1 408 Request Timeout"


def test_a_head_in_drops_ends_too(bounded: tuple[str, int]) -> None:
    with socket.create_connection(bounded) as connection:
        connection.sendall(HEAD)
        end, found = time.monotonic() + 10, b""
        connection.settimeout(0.1)
        while not found and time.monotonic() < end:
            try:
                connection.sendall(b"A: b\r\n")
                found = connection.recv(1 << 16)
            except TimeoutError:
                continue
        assert found.startswith(b"HTTP/1.1 408")


def test_the_second_request_of_a_connection_has_its_time_too(bounded: tuple[str, int]) -> None:
    with socket.create_connection(bounded) as connection:
        connection.sendall(HEAD + b"\r\n")
        assert status_line(connection) == b"HTTP/1.1 204 No Content"
        connection.sendall(HEAD)
        assert status_line(connection) == b"HTTP/1.1 408 Request Timeout"


def test_a_head_without_end_is_not_held(bounded: tuple[str, int]) -> None:
    with socket.create_connection(bounded) as connection:
        connection.sendall(HEAD)
        found = b""
        try:
            for _ in range(1_000):
                connection.sendall(b"X-A: " + b"b" * 1_000 + b"\r\n")
            found = status_line(connection)
        except ConnectionError:
            pass
        assert found in (b"", b"HTTP/1.1 431 Request Header Fields Too Large")


def test_a_large_body_is_no_large_head(bounded: tuple[str, int]) -> None:
    with socket.create_connection(bounded) as connection:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"
        connection.sendall(head + b" " * 200_000)
        assert status_line(connection) == b"HTTP/1.1 204 No Content"


def is_served(address: tuple[str, int]) -> bool:
    """Return whether a connection gets an answer; else it must be told that it is one too many."""
    with socket.create_connection(address) as connection:
        connection.sendall(HEAD + b"\r\n")
        status = status_line(connection)
    assert status in (b"HTTP/1.1 204 No Content", b"HTTP/1.1 503 Service Unavailable")
    return status == b"HTTP/1.1 204 No Content"


def test_a_connection_too_many_is_told_so() -> None:
    with serve_app(LimitsSettings(connections=2)) as address:
        held = [socket.create_connection(address) for _ in range(2)]
        for connection in held:
            connection.sendall(HEAD + b"\r\n")
            assert status_line(connection) == b"HTTP/1.1 204 No Content"
        with socket.create_connection(address) as third:
            assert status_line(third) == b"HTTP/1.1 503 Service Unavailable"
        held[0].close()
        asyncio.run(until(lambda: is_served(address)))
        held[1].close()


# A socket that is being closed


class FakeTransport(asyncio.Transport):
    """A transport whose last bytes have not left yet, so that the connection is not lost yet."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@asynccontextmanager
async def open_socket() -> AsyncIterator[tuple[BoundedSocket, FakeTransport]]:
    """Open a socket of an application that takes everything."""

    async def accept_all(scope: object, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()

    config = uvicorn.Config(accept_all, log_config=None, lifespan="off", ws_ping_interval=None)
    config.load()
    transport, state = FakeTransport(), ServerState()
    protocol = BoundedSocket(config, state, {})
    protocol.connection_made(transport)
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "a", **UPGRADE}.items())
    protocol.data_received(f"GET /ws HTTP/1.1\r\n{head}\r\n".encode())
    await until(lambda: transport.sent.startswith(b"HTTP/1.1 101"))
    yield protocol, transport
    for task in state.tasks:
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)


@pytest.mark.anyio
@pytest.mark.parametrize("message", [{"type": "websocket.send", "text": "x"}, CLOSING])
@pytest.mark.parametrize(("opcode", "data"), [(TEXT, b"\xff"), (0x3, b""), (CLOSE, b"\x03\xe8")])
async def test_what_is_sent_to_a_socket_that_is_being_closed_is_no_fault(
    opcode: int, data: bytes, message: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_socket() as (protocol, transport):
        protocol.data_received(frame(opcode, data))
        assert transport.closing
        with pytest.raises(ClientDisconnected):
            await protocol.send(message)
        assert caplog.records == []
