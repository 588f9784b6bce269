"""A listener may hear, speak and read; what changes the server for others needs an operator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.routing import Route, compile_path
from starlette.testclient import TestClient
from websockets.sync.client import connect

from realtime.access.roles import LISTENER, OPERATOR
from realtime.settings import Settings
from realtime.web.app import OPERATIONS, ROUTES, create_app
from realtime.web.compat.gpt_sovits.errors import is_gpt_sovits
from realtime.web.entry.authentication import OPEN
from realtime.web.entry.needed_roles import NEEDED_ROLES, SAFE, needed_role
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.keyed_server import OTHER, SECRET, FakeTime, keyed_services
from tests.support.server import serving

LISTENING = {"Authorization": f"Bearer guest:{OTHER}"}
MANAGING = {"Authorization": f"Bearer bot:{SECRET}"}
LINE = {"text": "abc", "engine": "tone"}


@pytest.fixture(scope="module")
def keyed(settings: Settings) -> Iterator[TestClient]:
    own = replace(settings, keys=(f"guest:{OTHER}:listener",))
    with DocumentedClient(create_app(keyed_services(own, FakeTime()))) as client:
        yield client


def rows(role: str) -> list[tuple[str, str]]:
    return [row for row, needed in NEEDED_ROLES.items() if needed == role]


def test_every_route_that_changes_something_is_in_the_table() -> None:
    routes = [route for route in ROUTES if isinstance(route, Route) and route.path not in OPEN]
    found = {(method, route.path) for route in routes for method in route.methods or ()}
    by_get = {row for row in NEEDED_ROLES if row[0] in SAFE}
    assert by_get <= found and all(path.startswith("/set_") for _, path in by_get)
    assert {row for row in found if row[0] not in SAFE} == set(NEEDED_ROLES) - by_get


def test_no_address_of_an_operator_looks_like_one_of_a_listener() -> None:
    for method, path in rows(OPERATOR):
        assert needed_role(method, path) == OPERATOR
    for method, path in rows(LISTENER):
        assert needed_role(method, path) == LISTENER


def test_reading_needs_a_listener_and_unknown_changes_an_operator() -> None:
    assert needed_role("GET", "/api/models") == needed_role("HEAD", "/x") == LISTENER
    assert needed_role("GET", "/set_gpt_weights") == OPERATOR  # its clients ask by GET
    assert needed_role("HEAD", "/set_gpt_weights") == OPERATOR
    assert needed_role("POST", "/there/is/nothing") == OPERATOR
    assert needed_role("POST", "/prefetch/x") == needed_role("DELETE", "/prefetch/x/y") == OPERATOR


def asked(client: TestClient, method: str, path: str, headers: dict[str, str]) -> Any:
    return client.request(method, path.replace("{name}", "none"), json={}, headers=headers)


@pytest.mark.parametrize(("method", "path"), rows(OPERATOR))
def test_a_listener_may_not_manage(keyed: TestClient, method: str, path: str) -> None:
    answer = asked(keyed, method, path, LISTENING)
    assert answer.status_code == 403
    if is_gpt_sovits(path):
        assert "needs the role operator" in answer.text
    else:
        error = answer.json()["error"]
        assert error["code"] == "forbidden_role"
        assert error["values"] == {"role": "listener", "needed": "operator"}
        assert "key role" in error["hint"]
    assert compile_path(path)[0].match(path.replace("{name}", "none"))
    assert asked(keyed, method, path, MANAGING).status_code != 403


@pytest.mark.parametrize(("method", "path"), rows(LISTENER))
def test_a_listener_is_let_in_to_listen(keyed: TestClient, method: str, path: str) -> None:
    assert asked(keyed, method, path.replace("{id}", "none"), LISTENING).status_code != 403


def test_a_listener_hears_and_reads(keyed: TestClient) -> None:
    assert keyed.post("/lines", json=LINE, headers=LISTENING).status_code == 200
    for path in ("/api/models", "/api/tasks", "/api/memory/cleanup", "/api/acceleration"):
        assert keyed.get(path, headers=LISTENING).status_code == 200


def test_a_listener_opens_a_socket(settings: Settings) -> None:
    own = replace(settings, keys=(f"guest:{OTHER}:listener",))
    with serving(keyed_services(own, FakeTime())) as live:
        address = live.url.replace("http", "ws") + "/ws"
        with connect(address, additional_headers=LISTENING) as socket:
            assert json.loads(socket.recv())["type"] == "ready"


def test_the_cookie_of_a_listener_is_a_listeners(keyed: TestClient) -> None:
    services = services_of(keyed)
    own = {"Cookie": f"yamabiko={services.guard.make_cookie('guest')}"}
    assert keyed.get("/api/status", headers=own).json()["role"] == "listener"
    refused = keyed.post("/api/models/load", json={"id": "gain"}, headers=own)
    assert refused.status_code == 403


def test_the_document_says_which_operations_need_an_operator(keyed: TestClient) -> None:
    paths = keyed.get("/openapi.json", headers=LISTENING).json()["paths"]
    told = {
        (operation.method, operation.path)
        for operation in OPERATIONS
        if "role `operator`"
        in paths[operation.path][operation.method.lower()].get("description", "")
    }
    assert told == set(rows(OPERATOR))
