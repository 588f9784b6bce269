"""A real Chromium with the page of a real server; an error on the page fails the test."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.chromium import find_chromium, wait_for
from realtime.services import build
from realtime.settings import Settings
from tests.support.server import LiveServer, serving

PATIENCE_MS = 60_000  # the machine may be busy: an event that comes is not late
SIZE = {"width": 1280, "height": 900}


HERE = Path(__file__).resolve().parent
PATIENCE_SECONDS = 600  # for a test, which has many such events


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(PATIENCE_SECONDS))


@dataclass
class Visit:
    """A visit to the page, with the requests and the errors of the browser."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, *patterns: str) -> None:
        """Allow errors that the test itself brings about, such as a server that is gone."""
        self.allowed += patterns

    def open(self) -> Visit:
        self.page.goto(self.url)
        self.wait_for_connection("ready")
        expect(self.page.locator("#character option")).not_to_have_count(1)
        return self

    def say(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def wait_until_played(self) -> None:
        """Wait until some of a line was played, which is counted a little after it is heard."""
        played = self.stats["playedSamples"]
        self.wait_for_state("speaking")
        wait_for(self.page, f"yamabiko.stats.playedSamples > {played}")

    def hear(self, text: str) -> None:
        """Say a line and listen to its end."""
        self.say(text)
        expect(self.page.locator("#actions")).to_be_visible()
        self.wait_for_state("idle")

    def wait_for_state(self, state: str) -> None:
        expect(self.page.locator("body")).to_have_attribute("data-state", state)

    def wait_for_connection(self, state: str) -> None:
        shown = self.page.locator("#connection")
        expect(shown).to_have_attribute("data-t", f"connection.{state}")

    @property
    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("({...yamabiko.stats})")
        return found

    @property
    def unexpected_errors(self) -> list[str]:
        known = [re.compile(pattern) for pattern in self.allowed]
        return [each for each in self.errors if not any(k.search(each) for k in known)]

    @property
    def foreign_requests(self) -> list[str]:
        own = (self.url, self.url.replace("http", "ws"), "data:", "blob:")
        return [each for each in self.requests if not each.startswith(own)]


Launch = Callable[..., AbstractContextManager[Browser]]


@pytest.fixture(scope="package")
def launch() -> Iterator[Launch]:
    """A function that starts a browser with these arguments.

    Playwright keeps a loop running in this thread. So it ends with this folder: tests of other
    folders run loops of their own.
    """
    chromium = find_chromium()
    if chromium is None and "CI" not in os.environ:
        pytest.skip("there is no Chromium: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)

        @contextmanager
        def launch(*arguments: str) -> Iterator[Browser]:
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            yield browser
            browser.close()

        yield launch


@pytest.fixture(scope="package")
def browser(launch: Launch) -> Iterator[Browser]:
    with launch("--no-sandbox") as browser:
        yield browser


@pytest.fixture(scope="package")
def real_settings(shared_settings: Settings) -> Settings:
    return replace(shared_settings, preload=("hibari",))


@pytest.fixture(scope="package")
def real(real_settings: Settings) -> Iterator[LiveServer]:
    """A server with the engines that speak; its characters and its cache are real."""
    with serving(build(real_settings)) as live:
        yield live


NewVisit = Callable[..., AbstractContextManager[Visit]]


@pytest.fixture
def new_visit(browser: Browser) -> NewVisit:
    """A function that opens a visit to a server, as a browser with these options."""

    @contextmanager
    def new_visit(live: LiveServer, **options: Any) -> Iterator[Visit]:
        wanted = {"viewport": SIZE, "locale": "en-GB", **options}
        context = browser.new_context(**wanted)
        context.set_default_timeout(PATIENCE_MS)
        visit = Visit(context.new_page(), live.url)
        watch(visit)
        yield visit
        context.close()
        assert visit.unexpected_errors == []
        assert visit.foreign_requests == []

    return new_visit


@pytest.fixture
def visit(new_visit: NewVisit, real: LiveServer) -> Iterator[Visit]:
    """The page of the real server, opened and connected."""
    with new_visit(real) as visit:
        yield visit.open()


def watch(visit: Visit) -> None:
    page, errors = visit.page, visit.errors
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: (
            errors.append(f"{said.type}: {said.text}")
            if said.type in ("error", "warning")
            else None
        ),
    )
