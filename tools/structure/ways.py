"""The ways of two requests through the rooms: a line by HTTP, a microphone's block by socket.

Both go through the whole application in this process. A profiler notes each function of the core
that is called meanwhile, in any thread.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, cast

import numpy as np
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketTestSession

from realtime.services import build
from realtime.settings import GpuSettings, Settings
from realtime.web.app import create_app
from tools.structure import imports

ROOT = Path(__file__).resolve().parents[2]
ENGINE = "tone"  # the shortest engine: its own code is one file
RATE = 24_000
BLOCK = RATE // 50  # samples, 20 ms
BLOCKS = 50  # a second, so that sound comes back
FEW = 10  # blocks; an engine may need more than one to give any
LEFT_SECONDS = 30.0  # in which the server has let go of a socket
SETTLED_SECONDS = 1.0  # until all of it is converted and sent


@dataclass
class Tracer:
    """The files that were entered while it notes, in their order, without repetition in a row."""

    noting: bool = False
    entered: list[str] = field(default_factory=list)

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note a call; Python gives every call and return of every thread."""
        if self.noting and event == "call":
            name = frame.f_code.co_filename
            if "realtime" in name and name != (self.entered[-1] if self.entered else ""):
                self.entered.append(name)

    @contextmanager
    def note(self) -> Iterator[None]:
        """Note what is entered in this block."""
        self.entered, self.noting = [], True
        try:
            yield
        finally:
            self.noting = False

    def way(self) -> dict[str, Any]:
        """Sum up: rooms in the order of their first call, files, and moves between rooms."""
        known = imports.modules(ROOT)
        names = {str(path): name for name, path in known.items()}
        entered = [names[file] for file in self.entered if file in names]
        rooms = [imports.room(name, known) for name in entered]
        beside = {name for name, room in zip(entered, rooms, strict=True) if room == imports.TOP}
        return {
            "rooms": list(dict.fromkeys(room for room in rooms if room != imports.TOP)),
            "files": len(set(entered)),
            "moves": sum(a != b for a, b in zip(rooms, rooms[1:], strict=False)),
            "files_beside": sorted(beside),
        }


def figures() -> dict[str, Any]:
    """Trace both requests, each after one that warmed it up."""
    tracer = Tracer()
    threading.setprofile(tracer)
    sys.setprofile(tracer)
    try:
        with tempfile.TemporaryDirectory() as folder, client(Path(folder)) as server:
            line(server, "Warm.")
            with tracer.note():
                line(server, "Hello.")
            found = {"line": tracer.way()}
            with microphone(server) as socket:
                with tracer.note():
                    hear(socket, FEW)
                found["block"] = tracer.way()
            return found
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@contextmanager
def client(folder: Path) -> Iterator[TestClient]:
    """Serve the application of default settings, with folders of its own."""
    settings = Settings(
        preload=(ENGINE,),
        warm=("off",),
        hosts=("127.0.0.1", "testserver"),
        # Work in the background would be traced as if the request did it.
        gpu=GpuSettings(memory_monitoring_enabled=False, memory_monitoring_interval=3_600),
    )
    settings = replace(settings, cache=replace(settings.cache, path=folder / "cache"))
    with TestClient(create_app(build(settings)), base_url="http://127.0.0.1") as server:
        yield server


def line(server: TestClient, text: str) -> None:
    """Ask for a line as OpenAI's clients do, and read its sound."""
    body = {"model": ENGINE, "input": text, "voice": "af_heart", "response_format": "pcm"}
    answer = server.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200 and answer.content, answer.text


@contextmanager
def microphone(server: TestClient) -> Iterator[WebSocketTestSession]:
    """Open a microphone that has been heard for a second, and of which nothing is under way."""
    with server.websocket_connect("/ws") as socket:
        socket.send_json({"type": "listen", "id": "mic", "engine": "world", "sample_rate": RATE})
        hear(socket, BLOCKS)
        time.sleep(SETTLED_SECONDS)
        socket.send_json({"type": "ping", "t": 1})
        while '"pong"' not in socket.receive().get("text", ""):
            pass
        yield socket
        leave(server, socket)


def leave(server: TestClient, socket: WebSocketTestSession) -> None:
    """Close the socket, and wait until the server has let go of it.

    The test client cancels a handler that is still at work when it leaves, and then raises the
    cancellation here.
    """
    socket.close()
    open_sockets = cast(Starlette, server.app).state.sockets
    patience = time.monotonic() + LEFT_SECONDS
    while len(open_sockets):
        assert time.monotonic() < patience, "the server keeps a socket that is closed"
        time.sleep(0.01)


def hear(socket: WebSocketTestSession, blocks: int) -> None:
    """Send blocks of the microphone, and wait until half of their sound has come back."""
    place = np.arange(blocks * BLOCK) / RATE
    # A sawtooth at the pitch of a voice: silence would not reach the engine.
    sound = 0.3 * (2 * (140 * place % 1) - 1)
    for block in np.split((32_767 * sound).astype("<i2"), blocks):
        socket.send_bytes(block.tobytes())
    back = 0
    while back < len(sound.astype("<i2").tobytes()) // 2:
        message = socket.receive()
        assert '"error"' not in message.get("text", ""), message
        back += len(message.get("bytes", b""))
