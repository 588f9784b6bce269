"""Everybody can use the page: axe-core finds nothing serious, in two themes and three languages."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Visit, Visiting
from tests.support.server import LiveServer

SERIOUS = ("serious", "critical")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def findings(visit: Visit) -> list[str]:
    """What axe finds serious, with where it is."""
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_found(visiting: Visiting, real: LiveServer, theme: str) -> None:
    with visiting(real, color_scheme=theme, reduced_motion="reduce") as visit:
        visit.arrive().hear("Read by everybody.")
        visit.page.click(".recipes summary")
        expect(visit.page.locator(".engines li")).not_to_have_count(0)
        for language in ("en", "zh", "ja"):
            visit.page.select_option("#tongue", language)
            assert findings(visit) == [], language


def test_nothing_serious_is_found_on_a_telephone(visiting: Visiting, real: LiveServer) -> None:
    with visiting(real, viewport={"width": 360, "height": 740}) as visit:
        visit.arrive().hear("Read by everybody.")
        assert findings(visit) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_way_in_and_the_errors_can_be_read(
    visiting: Visiting, real: LiveServer, theme: str
) -> None:
    with visiting(real, color_scheme=theme) as visit:
        visit.arrive()
        visit.page.select_option("#engine", "hibari")
        visit.say("こんにちは。")
        expect(visit.page.locator("#message")).not_to_be_empty()
        assert findings(visit) == []
        visit.page.evaluate("document.getElementById('login').showModal()")
        assert findings(visit) == []
