"""A server elsewhere that does what a test says: its doors, its faults, and what it was asked."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from realtime.audio.samples import pcm_to_bytes, to_pcm16

SECONDS_A_SIGN = 0.05
PATIENCE = 30.0  # for which a server that hangs waits for the end of its test


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class Faults:
    """The faults of a server; each is done to so many of the next requests for sound."""

    statuses: list[tuple[int, Any]] = field(default_factory=list)  # with the bodies of these
    drop: int = 0  # connections that end before any answer
    cut_after: int | None = None  # bytes of sound after which the connection breaks
    content_type: str | None = None
    endless: bool = False
    location: str | None = None  # a redirect
    hang: bool = False  # after the first block of sound
    hang_at_once: bool = False
    slowly: bool = False  # a byte now and then


class RemoteStandIn:
    """A server; `doors` are what its kind answers, `gate` is open unless a test closes it."""

    def __init__(self, doors: Callable[[RemoteStandIn, Handler], bool], rate: int) -> None:
        self.rate = rate
        self.faults = Faults()
        self.asked: list[Asked] = []
        self.log: list[str] = []  # what was done, in its order
        self.running = 0
        self.most_running = 0
        self.gone = threading.Event()  # a client left in the middle
        self.ended = threading.Event()
        self.gate = threading.Event()  # after the first block of sound
        self.gate.set()
        self.doors = doors
        self.lock = threading.Lock()
        self.state: dict[str, Any] = {}

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    def spoken(self, path: str) -> list[Any]:
        """List the bodies of the requests for sound."""
        return [each.body for each in self.asked if each.path == path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand_in: ClassVar[RemoteStandIn]
    body: Any

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.body = json.loads(data) if data else None
        query = dict(parse_qsl(parts.query))
        asked = Asked(self.command, parts.path, query, self.body, dict(self.headers.items()))
        with self.stand_in.lock:
            self.stand_in.asked.append(asked)
        self.asked = asked
        try:
            if not self.stand_in.doors(self.stand_in, self):
                self.answer_json({"detail": "Not Found"}, 404)
        except (BrokenPipeError, ConnectionResetError):
            self.stand_in.gone.set()
            self.close_connection = True

    do_GET = do_POST = handle_any

    def answer_json(self, content: Any, status: int = 200) -> None:
        self.answer(json.dumps(content, ensure_ascii=False).encode(), "application/json", status)

    def answer(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def drop(self) -> None:
        """End the connection as a process does that dies."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def fails(self) -> bool:
        """Do a fault that comes before any sound; tell whether there was one."""
        faults = self.stand_in.faults
        with self.stand_in.lock:
            dropped = faults.drop > 0
            faults.drop -= dropped
            status = faults.statuses.pop(0) if faults.statuses and not dropped else None
        if dropped:
            self.drop()
        elif status is not None:
            self.answer_json(status[1], status[0])
        elif faults.location:
            self.answer(b"", "text/plain", 307, Location=faults.location)
        elif faults.hang_at_once:
            self.stand_in.ended.wait(PATIENCE)
            self.drop()
        else:
            return False
        return True

    def answer_sound(self, head: bytes, sound: bytes, kind: str) -> None:
        """Answer with sound in chunks, with the faults that come in the middle of it."""
        stand_in, faults = self.stand_in, self.stand_in.faults
        with stand_in.lock:
            stand_in.running += 1
            stand_in.most_running = max(stand_in.most_running, stand_in.running)
        try:
            self.send_response(200)
            self.send_header("Content-Type", faults.content_type or kind)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._chunk(head)
            if faults.slowly:
                while not stand_in.ended.wait(0.02):
                    self._chunk(b"\0\0")
            self._chunk(sound[: len(sound) // 4 * 2])
            if faults.hang:
                stand_in.ended.wait(PATIENCE)
            if faults.cut_after is not None:
                return self.drop()
            while faults.endless:
                self._chunk(sound or bytes(1_000))
            stand_in.gate.wait(PATIENCE)
            self._chunk(sound[len(sound) // 4 * 2 :])
            self.wfile.write(b"0\r\n\r\n")
        finally:
            with stand_in.lock:
                stand_in.running -= 1

    def _chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def sound_of(text: str, rate: int, speed: float = 1.0, seed: int = 0) -> bytes:
    """Make sound for a text as PCM16: a tone by text and seed, long by its signs."""
    frames = int(max(8, len(text)) * SECONDS_A_SIGN / speed * rate)
    pitch = 200 + (sum(text.encode()) + 7 * seed) % 300
    wave = 0.5 * np.sin(2 * np.pi * pitch * np.arange(frames) / rate)
    return pcm_to_bytes(to_pcm16(wave.astype(np.float32)))


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that left."""


@contextmanager
def standing_in(stand_in: RemoteStandIn, port: int = 0) -> Iterator[str]:
    """Run a server while the context lasts; give its address."""
    handler = type("OwnHandler", (Handler,), {"stand_in": stand_in})
    server = QuietServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        stand_in.ended.set()
        stand_in.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
