"""A server with the real core, the tone engine, and engines that do what a test says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
import uvicorn
from starlette.testclient import TestClient

from realtime import engines
from realtime.characters import Characters
from realtime.engines.base import Converter, Synthesizer
from realtime.models import Models
from realtime.services import Services
from realtime.settings import Limits, Settings
from realtime.speech import Speech
from realtime.web.app import create_app
from tests.web.scripted import SCRIPTED, Broken, Gated

BODY_BYTES = 100_000
JSON = {"Content-Type": "application/json"}


def create(name: str, settings: Settings) -> Synthesizer | Converter:
    return SCRIPTED[name](settings) if name in SCRIPTED else engines.create(name, settings)


def assembled(settings: Settings) -> Services:
    models = Models(settings, create, (*engines.ENGINES, *SCRIPTED))
    characters = Characters(settings.presets.path, settings.default_characters, models.names())
    return Services(settings, characters, models, Speech(settings, characters, models))


@pytest.fixture(scope="session")
def web_settings(settings: Settings) -> Settings:
    return replace(settings, limits=Limits(body_bytes=BODY_BYTES))


@pytest.fixture(scope="session")
def client(web_settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(assembled(web_settings))) as client:
        yield client


Speak = Callable[..., object]


@pytest.fixture
def speak(client: TestClient) -> Speak:
    """Asks for a short line in tones; named fields are added or replaced."""

    def ask(**fields: object) -> object:
        body = {"model": "tone", "input": "abc", "response_format": "pcm", **fields}
        # Written here: a client would not send half a surrogate, and somebody may.
        return client.post("/v1/audio/speech", content=json.dumps(body), headers=JSON)

    return ask


class Server(uvicorn.Server):
    """A server that tells when it listens."""

    listening: threading.Event

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


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

    @property
    def gated(self) -> Gated:
        engine: Gated = self.services.models.engine("gated")
        return engine

    @property
    def broken(self) -> Broken:
        engine: Broken = self.services.models.engine("broken")
        return engine


@pytest.fixture(scope="session")
def live_server(web_settings: Settings) -> Iterator[Live]:
    services = assembled(web_settings)
    config = uvicorn.Config(create_app(services), log_config=None, lifespan="on", ws="none")
    server = Server(config)
    server.listening = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert server.listening.wait(20), "the server did not start"
        yield Live(address, services)
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def live(live_server: Live) -> Live:
    """The live server with its scripted engines as new."""
    live_server.gated.reset()
    live_server.broken.chunks_before = 1
    return live_server
