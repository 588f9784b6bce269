"""The page keeps to its own policy: no inline code, nothing from elsewhere, nothing missing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from realtime.web.pages import POLICY, STATIC

HANDLES = {"text", "character", "language", "speak", "stop", "status"}


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
    code = (STATIC / "main.js").read_text(encoding="utf-8")
    assert not re.search(r"\beval\(|innerHTML|https?://", code)


def test_all_that_the_page_names_is_there(page: Page, client: TestClient) -> None:
    named = [a.get("src") or a.get("href") for t, a in page.elements if t in ("script", "link")]
    assert "data:," in named, "the icon is inline"
    for address in named:
        assert address
        assert address == "data:," or client.get(address).status_code == 200


def test_the_page_has_its_handles(page: Page) -> None:
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert ids >= HANDLES
    code = (STATIC / "main.js").read_text(encoding="utf-8")
    assert set(re.findall(r'element\("(\w+)"\)', code)) <= ids


def test_files_follow_the_pages_rules(client: TestClient) -> None:
    answer = client.get("/static/main.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Content-Security-Policy"] == POLICY
    again = client.get("/static/main.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/static/none.js", "/static/%2e%2e/server.py", "/static/", "/x"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
