"""The page's connection: it comes back with the server, and asks for a key where one is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from realtime.services import build
from realtime.settings import Settings
from tests.browser.conftest import NewVisit, Visit
from tests.support.keyed_server import OTHER, SECRET
from tests.support.server import LiveServer, serving

GONE = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_SOCKET", "WebSocket")


@pytest.mark.slow
def test_it_comes_back_with_the_server(new_visit: NewVisit, real_settings: Settings) -> None:
    with ExitStack() as running:
        first = running.enter_context(serving(build(real_settings)))
        with new_visit(first) as visit:
            visit.allow(*GONE)
            visit.open().hear("Before the storm.")
            running.close()
            visit.wait_for_state("offline")
            visit.wait_for_connection("offline")
            visit.say("Is anybody there?")
            expect(visit.page.locator("#message")).to_contain_text("does not answer")
            running.enter_context(serving(build(real_settings), urlsplit(first.url).port or 0))
            visit.wait_for_connection("ready")
            visit.wait_for_state("idle")
            visit.hear("After the storm.")
            expect(visit.page.locator("#history .again")).to_have_count(3)


@pytest.mark.slow
def test_a_line_that_is_cut_off_ends(new_visit: NewVisit, real_settings: Settings) -> None:
    settings = replace(real_settings, shutdown_seconds=0.0)
    with ExitStack() as running:
        live = running.enter_context(serving(build(settings)))
        with new_visit(live) as visit:
            visit.allow(*GONE)
            visit.open().say("It was a dark and stormy night, and the rain fell. " * 30)
            visit.wait_for_state("speaking")
            running.close()
            visit.wait_for_state("offline")
            expect(visit.page.locator("#message")).not_to_be_empty()
            expect(visit.page.locator("#stop")).to_be_disabled()


@pytest.fixture(scope="module")
def keyed(real_settings: Settings) -> Iterator[LiveServer]:
    with serving(build(replace(real_settings, keys=(f"bot:{SECRET}",)))) as live:
        yield live


@pytest.fixture
def visit_without_key(new_visit: NewVisit, keyed: LiveServer) -> Iterator[Visit]:
    """The page of a server that wants a key, before the log-in."""
    with new_visit(keyed) as visit:
        visit.allow("401")
        visit.page.goto(visit.url)
        expect(visit.page.locator("#login")).to_be_visible()
        yield visit


def log_in(visit: Visit, key: str) -> None:
    visit.page.fill("#key", key)
    visit.page.press("#key", "Enter")


def test_a_key_opens_the_page(visit_without_key: Visit) -> None:
    page = visit_without_key.page
    log_in(visit_without_key, f"bot:{OTHER}")
    expect(page.locator("#login-error")).to_have_text("That key is not known here.")
    log_in(visit_without_key, f"  bot:{SECRET} ")
    expect(page.locator("#login")).to_be_hidden()
    visit_without_key.wait_for_connection("ready")
    visit_without_key.hear("Now I may speak.")
    page.click(".requests summary")
    expect(page.locator("[data-request=curl]")).to_contain_text("Bearer $YAMABIKO_KEY")
    with page.expect_download() as downloading:
        page.click("[data-format=flac]")
    assert downloading.value.path().read_bytes().startswith(b"fLaC")
    page.reload()
    visit_without_key.wait_for_connection("ready")
    assert SECRET not in page.evaluate("JSON.stringify({...localStorage}) + document.cookie")


def test_logging_out_ends_it(visit_without_key: Visit) -> None:
    page = visit_without_key.page
    log_in(visit_without_key, f"bot:{SECRET}")
    expect(page.locator("#logout")).to_have_text("Log out bot")
    page.click("#logout")
    expect(page.locator("#login")).to_be_visible()
    page.click("#login-later")
    expect(page.locator("#login")).to_be_hidden()
    visit_without_key.wait_for_connection("login")
    visit_without_key.wait_for_state("offline")
    page.fill("#text", "May I?")
    page.press("#text", "Enter")
    expect(page.locator("#message")).not_to_be_empty()
