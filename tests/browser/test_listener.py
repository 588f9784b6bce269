"""The page of a key that may only listen: it shows all, and offers nothing that needs more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from realtime.access import Keys
from realtime.settings import Settings
from tests.browser.conftest import NewVisit, Visit
from tests.browser.test_access import findings
from tests.support.fake_devices import FakeDevices
from tests.support.keyed_server import OTHER, SECRET
from tests.support.server import LiveServer, services_with, serving

KEYS = {"guest": f"guest:{OTHER}:listener", "bot": f"bot:{SECRET}"}


@pytest.fixture
def live(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    FakeDevices().install(monkeypatch)
    keyed = replace(settings, keys=tuple(KEYS.values()), tasks={"night": {"models": ["gain"]}})
    with serving(services_with(keyed, "tone")) as live:
        yield live


@pytest.fixture
def visit(new_visit: NewVisit, live: LiveServer) -> Iterator[Visit]:
    with new_visit(live) as visit:
        visit.allow("401")
        yield visit


def log_in(visit: Visit, key_id: str) -> Page:
    page = visit.page
    page.goto(visit.url)
    page.fill("#key", KEYS[key_id].removesuffix(":listener"))
    page.press("#key", "Enter")
    visit.wait_for_connection("ready")
    page.locator("#status").scroll_into_view_if_needed()
    expect(page.locator(".devices li")).to_have_count(2)
    return page


def test_a_listener_sees_everything_and_manages_nothing(visit: Visit) -> None:
    page = log_in(visit, "guest")
    expect(page.get_by_text("This key may listen and speak.")).to_be_visible()
    expect(page.locator(".models > li", has_text="gain")).to_contain_text("changes a voice")
    expect(page.locator(".tasks li", has_text="night")).to_be_visible()
    for managing in ("[data-model=gain]", "[data-choose=gain]", "[data-task='night edit']"):
        expect(page.locator(managing)).to_be_hidden()
    expect(page.locator("#new-task")).to_be_hidden()
    expect(page.get_by_role("button", name="Unload all")).to_be_hidden()
    expect(page.locator("#automatic")).to_be_disabled()
    expect(page.locator("#idle_timeout_minutes")).to_be_disabled()
    page.locator(".models summary").first.click()
    expect(page.locator(".models dl").first).to_contain_text("Engine")
    assert findings(visit) == []


def test_an_operator_is_offered_all_of_it(visit: Visit) -> None:
    page = log_in(visit, "bot")
    expect(page.get_by_text("This key may listen and speak.")).to_be_hidden()
    page.locator("[data-model=gain]").click()
    expect(page.locator("#message")).to_have_text("The model is loaded.")
    expect(page.locator("#automatic")).to_be_enabled()


def test_a_key_that_lost_its_role_is_told_what_is_missing(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit.allow("403")
    page = log_in(visit, "bot")
    monkeypatch.setattr(Keys, "role", lambda keys, key_id: "listener")
    page.locator("[data-model=gain]").click()
    expect(page.locator("#message")).to_have_text(
        "This key may listen and speak. For this it needs the role operator."
    )
    expect(page.locator("[data-model=gain]")).to_be_hidden()
