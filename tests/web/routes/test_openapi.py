"""GET /openapi.json: the document of this server, for whoever may use it."""

from __future__ import annotations

from dataclasses import replace

from starlette.testclient import TestClient

from realtime.settings import LimitsSettings, Settings
from realtime.web.app import OPERATIONS, create_app
from realtime.web.openapi.document import make_document
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.keyed_server import SECRET, FakeTime, keyed_services
from tests.support.server import scripted_services


def test_the_document_is_that_of_this_server(client: TestClient) -> None:
    answer = client.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    services = services_of(client)
    assert answer.json() == make_document(OPERATIONS, services)
    assert client.get("/openapi.json").content == answer.content


def test_a_changed_bound_changes_the_document_and_the_answer(settings: Settings) -> None:
    short = replace(settings, limits=LimitsSettings(text=7, long_text=8), hosts=("testserver",))
    with DocumentedClient(create_app(scripted_services(short))) as client:
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
        assert schemas["Line"]["properties"]["text"]["maxLength"] == 8
        line = {"text": "a" * 8, "engine": "tone", "longprompt": True}
        assert client.post("/lines", json=line).status_code == 200
        assert client.post("/lines", json={**line, "text": "a" * 9}).status_code == 400


def test_with_keys_it_needs_one(settings: Settings) -> None:
    with DocumentedClient(create_app(keyed_services(settings, FakeTime()))) as client:
        assert client.get("/openapi.json").status_code == 401
        bearer = {"Authorization": f"Bearer bot:{SECRET}"}
        document = client.get("/openapi.json", headers=bearer)
        assert document.status_code == 200 and SECRET not in document.text
