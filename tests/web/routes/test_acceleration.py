"""The report of accelerated networks, and their switch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.acceleration import Accelerated
from realtime.engines import registry
from realtime.engines.tone import Tone
from realtime.models.loaded import LoadedModels
from realtime.services import build
from realtime.settings import Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.small_networks import AlteredBackend, accelerate_vocoder, altered, mel
from tests.support.unreachable import unreachable_tensor

JSON = {"Content-Type": "application/json"}


class Quick(Tone):
    """An engine with a network that has a quick form."""

    name = "quick"
    accelerated: tuple[Accelerated, ...] = ()
    made: list[AlteredBackend]

    def load(self) -> None:
        self.made = []
        self.accelerated = (
            accelerate_vocoder("compile", {"compile": altered(self.made)}, name="vocoder"),
        )


@pytest.fixture
def server(web_settings: Settings) -> Iterator[TestClient]:
    def create(name: str, settings: Settings) -> Any:
        return Quick(settings) if name == "quick" else registry.create(name, settings)

    services = build(web_settings, LoadedModels(web_settings, create, ("hibari", "tone", "quick")))
    with DocumentedClient(create_app(services)) as client:
        assert client.get("/api/acceleration").json()["networks"] == []
        assert client.portal is not None
        client.portal.call(services.models.load, "quick")
        yield client


def network(client: TestClient) -> Any:
    (found,) = client.get("/api/acceleration").json()["networks"]
    return found


def call(client: TestClient, frames: int = 10) -> None:
    engine = services_of(client).models.engine("quick")
    engine.accelerated[0](mel(frames))


@pytest.mark.slow
def test_a_report_tells_how_each_network_does(server: TestClient) -> None:
    call(server)
    call(server, 7)
    found = network(server)
    assert (found["engine"], found["name"], found["mode"]) == ("quick", "vocoder", "compile")
    assert found["hits"] == {"compile": 1, "eager": 1}
    assert found["fallbacks"][0]["reason"].startswith("no bucket holds a length of 7")
    assert found["buckets"][0]["state"] == "ready" and found["buckets"][0]["sizes"] == [1, 10]
    metrics = server.get("/metrics").text
    assert 'yamabiko_acceleration_calls{engine="quick",network="vocoder",plan="compile"}' in metrics


def test_a_switch_acts_while_the_server_runs(server: TestClient) -> None:
    call(server)
    for chosen in ({}, {"engine": "quick"}, {"engine": "quick", "network": "vocoder"}):
        off = server.post("/api/acceleration", json={"enabled": False, **chosen})
        assert off.status_code == 200 and off.json()["networks"][0]["mode"] == "eager"
        call(server)
        on = server.post("/api/acceleration", json={"enabled": True, **chosen})
        assert on.json()["networks"][0]["mode"] == "compile"
        call(server)
    assert network(server)["hits"] == {"compile": 4, "eager": 3}


@pytest.mark.parametrize("chosen", [{}, {"engine": "quick"}, {"network": "vocoder"}])
def test_memory_is_given_back_when_asked_for(server: TestClient, chosen: dict[str, str]) -> None:
    with unreachable_tensor() as held:
        asked = server.post("/api/acceleration", json={"clear_memory": True, **chosen})
        assert asked.status_code == 200
        assert held() is None


def test_memory_of_others_is_left_alone(server: TestClient) -> None:
    with unreachable_tensor() as held:
        body = {"clear_memory": True, "engine": "nobody"}
        assert server.post("/api/acceleration", json=body).status_code == 404
        assert held() is not None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "bad_request"),
        ({"clear_memory": False}, 400, "bad_request"),
        ({"enabled": "no"}, 400, "bad_request"),
        ({"enabled": False, "plan": "graphs"}, 400, "unknown_field"),
        ({"enabled": False, "engine": "nobody"}, 404, "network_not_found"),
        ({"enabled": False, "network": "nothing"}, 404, "network_not_found"),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(
    server: TestClient, body: dict[str, object], status: int, code: str
) -> None:
    refused = server.post("/api/acceleration", content=json.dumps(body), headers=JSON)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert network(server)["enabled"] is True
