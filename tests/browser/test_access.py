"""Accessibility: axe-core finds nothing serious, in two themes and three languages."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import NewVisit, Visit
from tests.support.server import LiveServer

SERIOUS = ("serious", "critical")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def findings(visit: Visit) -> list[str]:
    """List what axe finds serious, with where it is."""
    result: dict[str, Any] = (
        Axe().run(visit.page, options={"runOnly": {"type": "tag", "values": RULES}}).response
    )
    assert len(result["passes"]) > 20, "axe has looked"
    return [
        f"{each['id']}: {node['html'][:200]} {node['any'][:1]}"
        for each in result["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"][:5]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_found(new_visit: NewVisit, real: LiveServer, theme: str) -> None:
    with new_visit(real, color_scheme=theme, reduced_motion="reduce") as visit:
        visit.open().hear("Read by everybody.")
        visit.page.click(".requests summary")
        visit.page.locator("#status").scroll_into_view_if_needed()
        expect(visit.page.locator(".models > li")).not_to_have_count(0)
        visit.page.locator(".models summary").first.click()
        for language in ("en", "zh", "ja"):
            visit.page.select_option("#page-language", language)
            assert findings(visit) == [], language


@pytest.mark.slow
def test_nothing_serious_is_found_on_a_telephone(new_visit: NewVisit, real: LiveServer) -> None:
    with new_visit(real, viewport={"width": 360, "height": 740}) as visit:
        visit.open().hear("Read by everybody.")
        assert findings(visit) == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_way_in_and_the_errors_can_be_read(
    new_visit: NewVisit, real: LiveServer, theme: str
) -> None:
    with new_visit(real, color_scheme=theme) as visit:
        visit.open()
        visit.page.select_option("#engine", "hibari")
        visit.say("こんにちは。")
        expect(visit.page.locator("#message")).not_to_be_empty()
        assert findings(visit) == []
        visit.page.evaluate(
            """async () => {
              const {LoginDialog} = await import("/static/server/login.js");
              new LoginDialog({onLoggedIn() {}}).open();
            }"""
        )
        expect(visit.page.locator("#login")).to_be_visible()
        assert findings(visit) == []
