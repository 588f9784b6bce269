"""Clients without manners write no stack trace into the log; a fault of the server still does."""

from __future__ import annotations

import itertools
import json
import os
import random
import socket
import struct
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.support.raw_socket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    UPGRADE,
    RawSocket,
    frame,
)
from tests.support.server_process import ServerProcess, server_process

LINE = "abc def. " * 500
CLIENTS, AT_ONCE = 300, 32
TONE = {"engine": "tone", "sample_rate": 24000, "pace": False}

End = Callable[[socket.socket], None]
Rudeness = Callable[[RawSocket], None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("quiet")) as server:
        yield server


def faults(lines: list[str]) -> list[str]:
    """Return the lines that tell of a fault of the server."""
    return [line for line in lines if "Traceback" in line or line.startswith("E ")]


def close(connection: socket.socket) -> None:
    connection.close()


def reset(connection: socket.socket) -> None:
    """End a connection without a goodbye, as a machine does that is switched off."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


ENDS = pytest.mark.parametrize("end", [close, reset])


def request(
    server: ServerProcess, path: str, body: bytes = b"", kind: str = "application/json"
) -> bytes:
    method = "POST" if body else "GET"
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.address[1]}\r\n"
    if body:
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def speech(**fields: object) -> bytes:
    return json.dumps({"model": "tone", "input": f"{LINE}{time.time_ns()}", **fields}).encode()


def begun_recording(server: ServerProcess) -> str:
    """Ask for a new recording; the path of its address."""
    # It is made to its end, whoever leaves: 100 s of sound are far more than is read of it.
    text = f"{LINE[:1_200]}{time.time_ns()}"
    body = json.dumps({"text": text, "engine": "tone"}).encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{server.address[1]}/lines", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return urlsplit(json.load(answer)["url"]).path


def received(connection: socket.socket, most: int = 1 << 30) -> bytes:
    """Receive so many bytes, or all until the server ends the connection."""
    data = b""
    while len(data) < most and (more := connection.recv(1 << 16)):
        data += more
    return data


# Clients of HTTP


@ENDS
@pytest.mark.parametrize("most", [0, 20_000])
@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": "pcm"},
        {"response_format": "mp3"},
        {"response_format": "flac"},
        {"stream_format": "sse"},
        {"stream": False},
    ],
)
def test_a_client_that_leaves_a_line(
    server: ServerProcess, fields: dict[str, object], most: int, end: End
) -> None:
    with server.logging() as lines:
        for _ in range(3):
            connection = server.connected()
            connection.sendall(request(server, "/v1/audio/speech", speech(**fields)))
            if fields.get("stream", True):
                received(connection, most)
            end(connection)
    assert faults(lines) == []


@ENDS
@pytest.mark.parametrize("path", ["/v1/audio/speech", "/lines", "/prefetch", "/generate", "/login"])
def test_a_client_that_leaves_its_own_body(server: ServerProcess, path: str, end: End) -> None:
    with server.logging() as lines:
        connection = server.connected()
        connection.sendall(request(server, path, speech())[:-1000])
        end(connection)
    assert faults(lines) == []


@ENDS
@pytest.mark.parametrize("path", ["/api/process", "/api/characters"])
@pytest.mark.parametrize("missing", [0, 10_000])
def test_a_client_that_leaves_an_upload(
    server: ServerProcess, path: str, missing: int, end: End
) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'
    body = head + b"RIFF" + os.urandom(100_000) + b"\r\n--x--\r\n"
    sent = request(server, path, body, "multipart/form-data; boundary=x")
    with server.logging() as lines:
        connection = server.connected()
        connection.sendall(sent[: len(sent) - missing])
        end(connection)
    assert faults(lines) == []


@ENDS
def test_a_client_that_leaves_a_recording(server: ServerProcess, end: End) -> None:
    with server.logging() as lines:
        for name in ("wav", "flac"):
            path = begun_recording(server)
            connection = server.connected()
            connection.sendall(request(server, path.replace(".wav", f".{name}")))
            received(connection, 1_000)
            end(connection)
    assert faults(lines) == []


NO_HTTP = {
    "half a head": b"GET / HTT",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "all bytes": bytes(range(256)),
}


@ENDS
@pytest.mark.parametrize("name", NO_HTTP)
def test_a_client_that_speaks_no_http(server: ServerProcess, name: str, end: End) -> None:
    with server.logging() as lines:
        connection = server.connected()
        connection.sendall(NO_HTTP[name])
        end(connection)
    assert faults(lines) == []


# Clients of the socket


def says_and_leaves(raw: RawSocket) -> None:
    raw.say("say", id="a", text="abc " * 1_000, **TONE)
    raw.until("started")


def listens_and_leaves(raw: RawSocket) -> None:
    raw.say("listen", id="m", mode="convert", engine="gain", sample_rate=24000)
    raw.send(BINARY, bytes(960))


def begins_a_message(raw: RawSocket) -> None:
    raw.send(TEXT, b'{"ty', last=False)
    raw.send(CONTINUATION, b'pe"', last=False)


def begins_a_frame(raw: RawSocket) -> None:
    raw.connection.sendall(frame(TEXT, b"x" * 1_000)[:200])


def begins_a_frame_without_end(raw: RawSocket) -> None:
    raw.connection.sendall(b"\x81\xff" + struct.pack(">Q", (1 << 64) - 1) + b"mask" + b"x" * 100)


def floods_with_messages(raw: RawSocket) -> None:
    raw.connection.sendall(b"".join(frame(TEXT, b'{"type": "clear"}') for _ in range(5_000)))


def floods_with_pings(raw: RawSocket) -> None:
    raw.connection.sendall(b"".join(frame(PING, b"x" * 100) for _ in range(5_000)))


def sends_garbage(raw: RawSocket) -> None:
    raw.connection.sendall(b"\xff" + os.urandom(2_000))


def sends_no_utf8(raw: RawSocket) -> None:
    raw.send(TEXT, b"\xff\xfe")


def sends_half_a_letter_twice(raw: RawSocket) -> None:
    raw.send(TEXT, b"\xc3", last=False)
    raw.send(CONTINUATION, b"(")


def sends_without_a_mask(raw: RawSocket) -> None:
    raw.send(TEXT, b"{}", masked=False)


def sends_too_much(raw: RawSocket) -> None:
    raw.send(TEXT, b"x" * 300_000)


def sends_nonsense_until_it_is_closed(raw: RawSocket) -> None:
    for _ in range(40):
        raw.send(TEXT, b"{}")
    assert raw.closing() in (1006, 1008)


def speaks_after_its_goodbye(raw: RawSocket) -> None:
    raw.send(CLOSE, struct.pack(">H", 1000))
    for _ in range(50):
        raw.send(TEXT, b"{}")


def says_goodbye_wrongly(raw: RawSocket) -> None:
    raw.send(CLOSE, b"x")


def breaks_the_rules_while_it_hears(raw: RawSocket) -> None:
    says_and_leaves(raw)
    raw.send(TEXT, b"\xff")
    raw.send(0x3, b"")


RUDE: list[Rudeness] = [
    says_and_leaves,
    listens_and_leaves,
    begins_a_message,
    begins_a_frame,
    begins_a_frame_without_end,
    floods_with_messages,
    floods_with_pings,
    sends_garbage,
    sends_no_utf8,
    sends_half_a_letter_twice,
    sends_without_a_mask,
    sends_too_much,
    sends_nonsense_until_it_is_closed,
    speaks_after_its_goodbye,
    says_goodbye_wrongly,
    breaks_the_rules_while_it_hears,
]


@pytest.mark.parametrize("rudeness", RUDE, ids=lambda rudeness: rudeness.__name__)
def test_a_rude_socket(server: ServerProcess, rudeness: Rudeness) -> None:
    with server.logging() as lines:
        for seconds, end in itertools.product([0.0, 0.05], [close, reset]):
            behave(server, rudeness, end, seconds)
    assert faults(lines) == []


def behave(server: ServerProcess, rudeness: Rudeness, end: End, seconds: float) -> None:
    raw = RawSocket(server.address)
    try:
        raw.receive()
        rudeness(raw)
        time.sleep(seconds)
    except (OSError, AssertionError):
        pass  # the server was quicker
    end(raw.connection)


HANDSHAKES = {
    "whole": ("/ws", {}),
    "no key": ("/ws", {"Sec-WebSocket-Key": None}),
    "a short key": ("/ws", {"Sec-WebSocket-Key": "x"}),
    "an old version": ("/ws", {"Sec-WebSocket-Version": "7"}),
    "another subprotocol": ("/ws", {"Sec-WebSocket-Protocol": "x"}),
    "no subprotocol's name": ("/ws", {"Sec-WebSocket-Protocol": ",;,"}),
    "a broken extension": ("/ws", {"Sec-WebSocket-Extensions": "a; ;;="}),
    "another host": ("/ws", {"Host": "elsewhere.example"}),
    "another site's page": ("/ws", {"Origin": "http://elsewhere.example"}),
    "another protocol": ("/ws", {"Upgrade": "h2c"}),
    "another route": ("/lines", {}),
    "a file": ("/audio/en/a/short/b-0123456789abcdef.wav", {}),
    "no route": ("/nowhere", {}),
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_rude_handshake(server: ServerProcess, name: str) -> None:
    path, changed = HANDSHAKES[name]
    headers = {"Host": f"127.0.0.1:{server.address[1]}", **UPGRADE, **changed}
    head = "".join(f"{key}: {value}\r\n" for key, value in headers.items() if value is not None)
    tails = [b"", b"garbage", frame(TEXT, b"{}")]
    with server.logging() as lines:
        for tail, seconds, end in itertools.product(tails, [0.0, 0.05], [close, reset]):
            connection = server.connected()
            connection.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode() + tail)
            time.sleep(seconds)
            end(connection)
    assert faults(lines) == []


def test_many_rude_sockets_at_once(server: ServerProcess) -> None:
    """A server that has much to do notices late who has left."""
    chance = random.Random(1)
    asked = [
        (server, chance.choice(RUDE), chance.choice([close, reset]), 0.02 * chance.random())
        for _ in range(CLIENTS)
    ]
    with server.logging() as lines, ThreadPoolExecutor(AT_ONCE) as clients:
        list(clients.map(lambda client: behave(*client), asked))
    assert faults(lines) == []


# Faults that are the server's own


@pytest.mark.parametrize(
    "fields", [{"response_format": "pcm"}, {"response_format": "mp3"}, {"stream_format": "sse"}]
)
def test_an_engine_that_breaks_in_a_line_is_told_once(
    server: ServerProcess, fields: dict[str, object]
) -> None:
    body = speech(model="noisy", input=f"break {time.time_ns()}", **fields)
    with server.logging() as lines, server.connected() as connection:
        connection.sendall(request(server, "/v1/audio/speech", body))
        got = received(connection)
    assert got.startswith(b"HTTP/1.1 200") and not got.endswith(b"0\r\n\r\n"), "broken off"
    told = "\n".join(lines)
    assert told.count("Traceback") == told.count("ZeroDivisionError: a model library's") == 1
    (fault,) = (line for line in lines if line.startswith("E "))
    assert "noisy failed while speaking" in fault


def test_a_fault_of_a_route_is_told_with_its_trace(server: ServerProcess) -> None:
    with server.logging() as lines, server.connected() as connection:
        connection.sendall(request(server, "/fault"))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 500")
    told = "\n".join(lines)
    assert "Exception in ASGI application" in told
    assert "ZeroDivisionError: a fault of the server" in told
