"""The application is its parts in order; its services live as long as it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from realtime.settings import CorsSettings, Settings
from realtime.web.app import ROUTES, create_app, middleware
from realtime.web.entry.authentication import Authentication
from realtime.web.entry.body_limit import BodyLimit
from realtime.web.entry.fault_answer import FaultAnswer
from realtime.web.entry.hosts_and_origins import HostLimit
from realtime.web.requests.request_id import RequestIdHeader
from realtime.web.routes.recordings import RecordingRoute
from tests.support.documented_client import DocumentedClient
from tests.support.server import scripted_services

METHODS = {
    "/v1/audio/speech": {"POST"},
    "/v1/models": {"GET", "HEAD"},
    "/v1/audio/voices": {"GET", "HEAD"},
    "/api/characters": {"GET", "HEAD"},
    "/api/info": {"GET", "HEAD"},
    "/health": {"GET", "HEAD"},
    "/time": {"GET", "HEAD"},
    "/ticket": {"POST"},
    "/login": {"POST"},
    "/logout": {"POST"},
    "/ready": {"GET", "HEAD"},
    "/": {"GET", "HEAD"},
}


def test_paths_and_methods() -> None:
    found = {route.path: route.methods for route in ROUTES if isinstance(route, Route)}
    assert METHODS.items() <= found.items()


def test_the_middleware_in_its_order(settings: Settings) -> None:
    first = [RequestIdHeader, HostLimit]
    rest = [FaultAnswer, BodyLimit, Authentication, RecordingRoute]
    plain = [each.cls for each in middleware(scripted_services(settings))]
    assert plain == [*first, *rest]
    named = replace(settings, cors=CorsSettings(origins=("*",)))
    found = [each.cls for each in middleware(scripted_services(named))]
    assert found == [*first, CORSMiddleware, *rest]


def test_services_start_and_close_with_it(settings: Settings) -> None:
    services = scripted_services(settings)
    with DocumentedClient(create_app(services)) as client:
        client.post("/v1/audio/speech", json={"model": "tone", "input": "a"})
        assert services.models.synthesizer("tone").state == "loaded"
    assert services.models.synthesizer("tone").state == "unloaded" and not services.ready


@pytest.mark.parametrize("path", ["/v1/models/", "/health/"])
def test_nobody_is_sent_elsewhere(settings: Settings, path: str) -> None:
    client = DocumentedClient(create_app(scripted_services(settings)), follow_redirects=False)
    assert client.get(path, headers={"Host": "localhost"}).status_code == 404
