"""The answer has all that the page's status panel shows."""

from __future__ import annotations

import logging

from starlette.testclient import TestClient
from websockets.sync.client import connect

from realtime.settings import Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient
from tests.support.keyed_server import SECRET, FakeTime, keyed_services
from tests.support.server import LiveServer, wait_until_kept


def test_it_counts_what_happens(client: TestClient) -> None:
    before = client.get("/api/status").json()
    line = {"text": "the overview counts this", "engine": "tone"}
    client.post("/lines", json=line)
    wait_until_kept(client)
    client.post("/lines", json=line)
    after = client.get("/api/status").json()
    assert after["cache"]["miss"] - before["cache"]["miss"] == 1
    assert after["cache"]["hit"] - before["cache"]["hit"] == 1
    assert after["cache"]["recordings"] - before["cache"]["recordings"] == 1
    assert after["cache"]["bytes"] > before["cache"]["bytes"]
    assert {model["name"] for model in after["models"]} >= {"hibari", "kokoro", "tone"}
    assert after["memory"]["resident"] > 1 << 20
    assert (after["key"], after["keys"], after["role"]) == (None, False, "operator")


def test_the_models_are_left_out_where_nobody_looks_at_them(client: TestClient) -> None:
    brief = client.get("/api/status?models=false").json()
    whole = client.get("/api/status").json()
    assert brief["models"] == [] and whole["models"]
    assert brief.keys() == whole.keys()
    refused = client.get("/api/status?models=some")
    assert refused.status_code == 400 and "true or false" in refused.json()["error"]["message"]


def test_it_counts_open_sockets(live: LiveServer) -> None:
    with connect(live.url.replace("http", "ws") + "/ws") as socket:
        socket.recv()
        assert live.get("/api/status")["sockets"]["open"] >= 1


def test_it_tells_the_last_troubles(client: TestClient) -> None:
    logging.getLogger("realtime.tests").warning("the roof leaks")
    troubles = client.get("/api/status").json()["troubles"]
    assert (troubles[0]["message"], troubles[0]["request"]) == ("the roof leaks", None)


def test_a_trouble_names_the_request_that_caused_it(client: TestClient) -> None:
    line = {"input": "abc", "model": "broken"}
    client.post("/v1/audio/speech", json={**line, "stream": False}, headers={"X-Request-ID": "b-7"})
    troubles = client.get("/api/status").json()["troubles"]
    assert {trouble["request"] for trouble in troubles[:2]} == {"b-7"}
    assert troubles[1]["message"] == "broken failed while speaking"


def test_it_tells_who_asks(settings: Settings) -> None:
    with DocumentedClient(create_app(keyed_services(settings, FakeTime()))) as keyed:
        found = keyed.get("/api/status", headers={"Authorization": f"Bearer bot:{SECRET}"}).json()
    assert (found["key"], found["keys"]) == ("bot", True)
