"""A real Chromium with the page of a real server, and all that goes wrong on it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from realtime.services import build
from realtime.settings import Settings
from tests.support.server import LiveServer, serving

PATIENCE_MS = 60_000  # the machine may be busy: an event that comes is not late
SIZE = {"width": 1280, "height": 900}


HERE = Path(__file__).resolve().parent
PATIENCE_SECONDS = 600  # for a test, which has many such events


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(PATIENCE_SECONDS))


@dataclass
class Visit:
    """A person's visit to the page, with what the browser complained of."""

    page: Page
    url: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    pardoned: list[str] = field(default_factory=list)

    def pardon(self, *patterns: str) -> None:
        """What a test itself brings about, such as a server that is gone."""
        self.pardoned += patterns

    def arrive(self) -> Visit:
        self.page.goto(self.url)
        expect(self.page.locator("#wire")).to_have_attribute("data-t", "wire.ready")
        expect(self.page.locator("#character option")).not_to_have_count(1)
        return self

    def say(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def hear(self, text: str) -> None:
        """Say a line and listen to its end."""
        self.say(text)
        expect(self.page.locator("#after")).to_be_visible()
        self.is_in("idle")

    def is_in(self, state: str) -> None:
        expect(self.page.locator("body")).to_have_attribute("data-state", state)

    @property
    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("({...yamabiko.stats})")
        return found

    @property
    def unpardoned(self) -> list[str]:
        known = [re.compile(pattern) for pattern in self.pardoned]
        return [each for each in self.complaints if not any(k.search(each) for k in known)]

    @property
    def foreign(self) -> list[str]:
        own = (self.url, self.url.replace("http", "ws"), "data:", "blob:")
        return [each for each in self.asked if not each.startswith(own)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None and "CI" not in os.environ:
        pytest.skip("there is no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def real_settings(settings: Settings) -> Settings:
    return replace(settings, preload=("hibari",))


@pytest.fixture(scope="module")
def real(real_settings: Settings) -> Iterator[LiveServer]:
    """A server with the engines that speak; its characters and its cache are real."""
    with serving(build(real_settings)) as live:
        yield live


Visiting = Callable[..., AbstractContextManager[Visit]]


@pytest.fixture
def visiting(browser: Browser) -> Visiting:
    """Visits to a server as a browser with these options."""

    @contextmanager
    def visiting(live: LiveServer, **options: Any) -> Iterator[Visit]:
        wanted = {"viewport": SIZE, "locale": "en-GB", **options}
        context = browser.new_context(**wanted)
        context.set_default_timeout(PATIENCE_MS)
        visit = Visit(context.new_page(), live.url)
        watch(visit)
        yield visit
        context.close()
        assert visit.unpardoned == []
        assert visit.foreign == []

    return visiting


@pytest.fixture
def visit(visiting: Visiting, real: LiveServer) -> Iterator[Visit]:
    """Somebody who has come to the page."""
    with visiting(real) as visit:
        yield visit.arrive()


def watch(visit: Visit) -> None:
    page, complaints = visit.page, visit.complaints
    page.on("request", lambda request: visit.asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: (
            complaints.append(f"{said.type}: {said.text}")
            if said.type in ("error", "warning")
            else None
        ),
    )
