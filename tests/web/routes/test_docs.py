"""The page of the API: its route, its policy, and that all it names is there."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from realtime.settings import Settings
from realtime.web.app import create_app
from realtime.web.routes.page import POLICY, STATIC
from tests.support.documented_client import DocumentedClient
from tests.support.keyed_server import FakeTime, keyed_services
from tests.web.routes.test_page import ICON, Page

MAIN = "docs/main.js"


@pytest.fixture(scope="module")
def page() -> Page:
    return Page((STATIC / "docs" / "index.html").read_text(encoding="utf-8"))


def test_it_is_served_under_the_policy_of_the_page(client: TestClient) -> None:
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert client.head("/docs").status_code == 200
    again = client.get("/static/docs/main.js", headers={"If-None-Match": ""})
    assert again.headers["Content-Security-Policy"] == POLICY


def test_it_keeps_to_the_policy(page: Page) -> None:
    assert not any(page.inside), "code inside the page"
    for tag, attributes in page.elements:
        assert tag != "style"
        assert not any(name == "style" or name.startswith("on") for name in attributes)


def test_all_that_it_names_is_there(page: Page, client: TestClient) -> None:
    named = {
        a.get("src") or a.get("href") or ""
        for t, a in page.elements
        if t in ("script", "link", "a")
    }
    addresses = {each for each in named if not each.startswith((ICON, "#"))}
    assert {"/", "/openapi.json", "/static/docs/main.js"} <= addresses
    for address in addresses:
        assert client.get(address).status_code == 200, address


def test_its_modules_are_asked_for_at_once(page: Page) -> None:
    needed: set[str] = set()
    waiting = [STATIC / MAIN]
    while waiting:
        path = waiting.pop()
        imported = re.findall(r'from "(\.[^"]+)"', path.read_text())
        for found in ((path.parent / name).resolve() for name in imported):
            if (name := found.relative_to(STATIC).as_posix()) not in needed:
                needed.add(name)
                waiting.append(found)
    preloaded = {a.get("href") for _, a in page.elements if a.get("rel") == "modulepreload"}
    assert preloaded == {f"/static/{name}" for name in needed}


def test_with_keys_the_page_is_there_and_the_document_needs_one(settings: Settings) -> None:
    """The page tells no limit of the server; it asks for a key and then fetches the document."""
    with DocumentedClient(create_app(keyed_services(settings, FakeTime()))) as client:
        assert client.get("/docs").status_code == 200
        assert client.get("/openapi.json").status_code == 401


def test_the_page_links_to_it() -> None:
    footer = (STATIC / "index.html").read_text(encoding="utf-8").partition("<footer>")[2]
    assert 'href="/docs"' in footer
