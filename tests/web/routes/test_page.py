"""The page keeps to its own policy: no inline code, nothing from elsewhere, nothing missing."""

from __future__ import annotations

import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from realtime.web.routes.page import POLICY, STATIC

# What the parts themselves put into the page is looked for in a browser.
HANDLES = {"text", "character", "language", "seed", "speed", "speak", "stop"}
SECTIONS = {"history", "talk", "latency", "status"}
CODE = sorted(STATIC.rglob("*.js"))
ICON = "data:image/svg+xml,"


class Page(HTMLParser):
    """The elements of the page: tags with their attributes, and the text inside scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("script", "style"):
            self.inside.append(data.strip())


@pytest.fixture(scope="module")
def page() -> Page:
    return Page((STATIC / "index.html").read_text(encoding="utf-8"))


def test_the_page_has_a_strict_policy(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY and "default-src 'none'" in POLICY


def test_the_page_keeps_to_it(page: Page) -> None:
    assert not any(page.inside), "code inside the page"
    for tag, attributes in page.elements:
        assert tag != "style"
        assert not any(name == "style" or name.startswith("on") for name in attributes)


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_its_code_names_no_other_host_and_makes_no_code(path: Path) -> None:
    found = re.search(
        r"\beval\(|innerHTML|outerHTML|insertAdjacentHTML|https?://", path.read_text()
    )
    assert not found, found


def test_all_that_the_page_names_is_there(page: Page, client: TestClient) -> None:
    named = [
        a.get("src") or a.get("href") or "" for t, a in page.elements if t in ("script", "link")
    ]
    icons = [address for address in named if address.startswith(ICON)]
    assert len(icons) == 1, "the icon is inline"
    for address in set(named) - set(icons):
        assert address.startswith("/static/")
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_all_that_its_code_imports_is_there(path: Path) -> None:
    for name in re.findall(r'(?:from|import|URL)[ (]*"(\.[^"]+)"', path.read_text()):
        assert (path.parent / name).is_file(), name


def test_what_the_first_load_needs_is_asked_for_at_once(page: Page) -> None:
    needed, waiting = set(), {"main.js"}
    while waiting:
        needed.add(name := waiting.pop())
        imported = re.findall(r'from "(\.[^"]+)"', (STATIC / name).read_text())
        waiting |= {
            posixpath.normpath(posixpath.join(posixpath.dirname(name), other)) for other in imported
        }
        waiting -= needed
    named = {a.get("href") for _, a in page.elements if a.get("rel") == "modulepreload"}
    assert named == {f"/static/{name}" for name in needed - {"main.js"}}


def test_the_page_has_its_handles(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert set(ids) >= HANDLES | SECTIONS
    assert len(ids) == len(set(ids)), "an id that is there twice"


def test_every_field_has_its_label(page: Page) -> None:
    labelled = {attributes.get("for") for tag, attributes in page.elements if tag == "label"}
    inside = {"page-language", "theme"}  # their labels hold them
    for tag, attributes in page.elements:
        if tag in ("input", "select", "textarea") and "hidden" not in attributes:
            assert attributes["id"] in labelled | inside


def test_files_follow_the_pages_rules(client: TestClient) -> None:
    answer = client.get("/static/main.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Content-Security-Policy"] == POLICY
    again = client.get("/static/main.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/static/none.js", "/static/%2e%2e/server.py", "/static/", "/x"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
