"""Clients of a server with the real core, the tone engine and scripted engines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from realtime.settings import LimitsSettings, Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.server import (
    JSON,
    LiveServer,
    forget_recordings,
    scripted_services,
    serving,
)

BODY_BYTES = 100_000
HOSTS = ("testserver", "127.0.0.1", "localhost", "a", "voice.example", "::1")

Speak = Callable[..., object]


@pytest.fixture(scope="session")
def web_settings(shared_settings: Settings) -> Settings:
    return replace(shared_settings, limits=LimitsSettings(body_bytes=BODY_BYTES), hosts=HOSTS)


@pytest.fixture(scope="session")
def client(web_settings: Settings) -> Iterator[TestClient]:
    with DocumentedClient(create_app(scripted_services(web_settings))) as client:
        yield client


@pytest.fixture
def speak(client: TestClient) -> Speak:
    """Return a function that asks for a short line in tones; its arguments replace fields."""
    forget_recordings(services_of(client))

    def ask(**fields: object) -> object:
        body = {"model": "tone", "input": "abc", "response_format": "pcm", **fields}
        # Written here, since a client library would not send half a surrogate.
        return client.post("/v1/audio/speech", content=json.dumps(body), headers=JSON)

    return ask


@pytest.fixture(scope="session")
def live_server(web_settings: Settings) -> Iterator[LiveServer]:
    with serving(scripted_services(web_settings)) as live:
        yield live


@pytest.fixture
def live(live_server: LiveServer) -> LiveServer:
    """Give the running server with its scripted engines as new and an empty cache."""
    live_server.gated.reset()
    live_server.broken.chunks_before = 1
    forget_recordings(live_server.services)
    return live_server
