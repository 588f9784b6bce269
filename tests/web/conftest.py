"""A server with the real core, the tone engine, and engines that do what a test says."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from realtime import engines
from realtime.cache import Index
from realtime.cache.address import FOLDERS
from realtime.engines.contract import Converter, Synthesizer
from realtime.models.loaded import LoadedModels
from realtime.services import Services, build
from realtime.settings import LimitsSettings, Settings
from realtime.web.app import create_app
from realtime.web.server import serve
from tests.support.scripted_engines import SCRIPTED, Broken, Gated

BODY_BYTES = 100_000
NAMES = ("testserver", "127.0.0.1", "localhost", "a", "voice.example", "::1")
JSON = {"Content-Type": "application/json"}


def create(name: str, settings: Settings) -> Synthesizer | Converter:
    return SCRIPTED[name](settings) if name in SCRIPTED else engines.create(name, settings)


def assembled(settings: Settings) -> Services:
    return build(settings, LoadedModels(settings, create, (*engines.ENGINES, *SCRIPTED)))


@pytest.fixture(scope="session")
def web_settings(settings: Settings) -> Settings:
    return replace(settings, limits=LimitsSettings(body_bytes=BODY_BYTES), hosts=NAMES)


def wait_until_idle(services: Services) -> bool:
    """Whether every recording came to its end in time."""
    end = time.monotonic() + 10
    while services.cache.busy and time.monotonic() < end:
        time.sleep(0.002)
    return not services.cache.busy


def waited(client: TestClient) -> None:
    """Return when everything that grew is kept."""
    assert wait_until_idle(client.app.state.services)  # type: ignore[attr-defined]


def forget_recordings(services: Services) -> None:
    """As if nothing had been spoken yet."""
    cache = services.cache
    wait_until_idle(services)
    cache.shelf = Index()
    cache.hot.clear()
    cache.failures.clear()
    for language in FOLDERS:
        shutil.rmtree(cache.store.root / language, ignore_errors=True)


@pytest.fixture(scope="session")
def client(web_settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(assembled(web_settings))) as client:
        yield client


Speak = Callable[..., object]


@pytest.fixture
def speak(client: TestClient) -> Speak:
    """Asks for a short line in tones; named fields are added or replaced."""
    forget_recordings(client.app.state.services)  # type: ignore[attr-defined]

    def ask(**fields: object) -> object:
        body = {"model": "tone", "input": "abc", "response_format": "pcm", **fields}
        # Written here: a client would not send half a surrogate, and somebody may.
        return client.post("/v1/audio/speech", content=json.dumps(body), headers=JSON)

    return ask


class Announcing(uvicorn.Server):
    """Tells when it listens."""

    listening: threading.Event

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Server(Announcing, serve.Server):
    """The server as it is served."""


@dataclass(frozen=True)
class Live:
    """A server on this machine that real clients reach."""

    address: tuple[str, int]
    services: Services

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    def connected(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=10)

    def answer(self, method: str, url: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        connection.request(method, url.removeprefix(self.url), headers={"Connection": "close"})
        return connection.getresponse()

    def get(self, path: str) -> Any:
        return json.loads(self.answer("GET", path).read())

    def post(self, path: str, body: object) -> Any:
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        connection.request("POST", path, json.dumps(body), {**JSON, "Connection": "close"})
        return json.loads(connection.getresponse().read())

    def wait_until_idle(self) -> bool:
        return wait_until_idle(self.services)

    @property
    def gated(self) -> Gated:
        engine: Gated = self.services.models.engine("gated")
        return engine

    @property
    def broken(self) -> Broken:
        engine: Broken = self.services.models.engine("broken")
        return engine


@contextmanager
def serving(services: Services, port: int = 0) -> Iterator[Live]:
    """While a server with these services listens."""
    server = Server(services)
    server.listening = threading.Event()
    with socket.create_server(("127.0.0.1", port)) as listener:
        address = listener.getsockname()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert server.listening.wait(20), "the server did not start"
        yield Live(address, services)
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="session")
def live_server(web_settings: Settings) -> Iterator[Live]:
    with serving(assembled(web_settings)) as live:
        yield live


@pytest.fixture
def live(live_server: Live) -> Live:
    """The live server with its scripted engines as new."""
    live_server.gated.reset()
    live_server.broken.chunks_before = 1
    forget_recordings(live_server.services)
    return live_server
