"""A server with the real core, the tone engine, and engines that do what a test says."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from realtime.cache import Index
from realtime.cache.address import FOLDERS
from realtime.engines import registry
from realtime.engines.contract import Converter, Synthesizer
from realtime.engines.gain import Gain
from realtime.engines.tone import Tone
from realtime.models.loaded import LoadedModels
from realtime.services import Services, build
from realtime.settings import Settings
from realtime.web.app import create_app
from realtime.web.server import serve
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.recordings import forget_memory
from tests.support.scripted_engines import SCRIPTED, Broken, Gated

JSON = {"Content-Type": "application/json"}
IDLE_SECONDS = 10.0  # in which every recording must have come to its end
START_SECONDS = 20.0


def scripted_services(settings: Settings) -> Services:
    """Return the services with the registered engines and the scripted ones."""
    return build(settings, LoadedModels(settings, _create_engine, (*registry.ENGINES, *SCRIPTED)))


def _create_engine(name: str, settings: Settings) -> Synthesizer | Converter:
    return SCRIPTED[name](settings) if name in SCRIPTED else registry.create(name, settings)


def services_with(
    settings: Settings, *preload: str, extra: tuple[type[Tone] | type[Gain], ...] = ()
) -> Services:
    """Return services that preload some engines; `extra` engines are added to the registry's."""
    own: dict[str, type[Tone] | type[Gain]] = {kind.name: kind for kind in extra}
    models = LoadedModels(
        settings,
        lambda name, given: own[name](given) if name in own else registry.create(name, given),
        (*registry.ENGINES, *own),
    )
    return build(replace(settings, preload=preload), models)


def local_client(services: Services) -> TestClient:
    """Return a client of a server with these services, under a name that it answers to."""
    return DocumentedClient(create_app(services), base_url="http://127.0.0.1")


def wait_until_ready(client: TestClient) -> dict[str, Any]:
    """Ask until the server is ready; return what it then says."""
    end = time.monotonic() + 60
    while (answer := client.get("/ready")).status_code != 200:
        assert answer.status_code == 503 and time.monotonic() < end, answer.text
        time.sleep(0.002)
    found: dict[str, Any] = answer.json()
    return found


def wait_until_idle(services: Services) -> bool:
    """Return whether every recording came to its end in time."""
    end = time.monotonic() + IDLE_SECONDS
    while services.cache.busy and time.monotonic() < end:
        time.sleep(0.002)
    return not services.cache.busy


def wait_until_kept(client: TestClient) -> None:
    """Return when everything that grew is kept."""
    assert wait_until_idle(services_of(client))


def forget_recordings(services: Services) -> None:
    """Empty the cache, in memory and on the disk."""
    cache = services.cache
    wait_until_idle(services)
    forget_memory(cache)
    cache.index = Index()
    cache.failures.clear()
    for language in FOLDERS:
        shutil.rmtree(cache.store.root / language, ignore_errors=True)


class AnnouncingServer(uvicorn.Server):
    """A uvicorn server that sets an event when it listens."""

    listening: threading.Event

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class _Server(AnnouncingServer, serve.Server):
    """The project's own server, which announces too."""


@dataclass(frozen=True)
class LiveServer:
    """A server on this machine that real clients reach."""

    address: tuple[str, int]
    services: Services

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    def connected(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=10)

    def answer(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        sent = {"Connection": "close", **(headers or {})}
        connection.request(method, url.removeprefix(self.url), headers=sent)
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
def serving(services: Services, port: int = 0) -> Iterator[LiveServer]:
    """Run a server with these services while the context lasts."""
    server = _Server(services)
    server.listening = threading.Event()
    with socket.create_server(("127.0.0.1", port)) as listener:
        address = listener.getsockname()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert server.listening.wait(START_SECONDS), "the server did not start"
        yield LiveServer(address, services)
        server.should_exit = True
        thread.join(START_SECONDS)
