"""The status panel says which engines are made ready in the background, and which are left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from realtime.settings import ModelsSettings, Settings
from realtime.warm_up import plan
from tests.browser.conftest import NewVisit
from tests.support.fake_cuda import FakeCuda
from tests.support.scripted_engines import OnGpu
from tests.support.server import services_with, serving
from tests.warm_up.test_warm_up import Watching


def row(page: Page, engine: str) -> Locator:
    return page.locator(".models > li", has=page.locator(f"[data-model={engine}]"))


def test_it_shows_an_engine_getting_ready(new_visit: NewVisit, settings: Settings) -> None:
    watching = Watching(settings, ("first", "second"), "tone")
    watching.first.may_load.clear()
    with serving(watching.services) as live, new_visit(live) as visit:
        page = visit.open().page
        page.locator("#status").scroll_into_view_if_needed()
        for engine in ("first", "second"):
            expect(row(page, engine).locator(".tag")).to_have_text("getting ready")
        expect(row(page, "first")).to_have_attribute("data-state", "loading")
        expect(row(page, "tone").locator(".tag")).to_have_text("loaded")
        watching.first.may_load.set()
        for engine in ("first", "second"):
            expect(row(page, engine).locator(".tag")).to_have_text("ready")
            expect(row(page, engine)).to_have_attribute("data-state", "loaded")
        page.locator("[data-model=first]").click()
        expect(row(page, "first").locator(".tag")).to_have_text("not loaded")


def test_it_shows_why_one_is_left_out(
    new_visit: NewVisit, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "free_bytes", lambda: 0)
    auto = replace(settings, warm=("auto",), models=ModelsSettings(path=tmp_path))
    with serving(services_with(auto, "tone")) as live, new_visit(live) as visit:
        page = visit.open().page
        page.locator("#status").scroll_into_view_if_needed()
        expect(row(page, "kokoro")).to_contain_text("Not made ready ahead of time: it takes about")
        expect(row(page, "kokoro").locator(".tag")).to_have_text("not loaded")


def test_it_shows_what_an_engine_takes_of_a_gpu(
    new_visit: NewVisit, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    OnGpu.cuda = FakeCuda(monkeypatch)
    with serving(services_with(settings, "on_gpu", extra=(OnGpu,))) as live:
        with new_visit(live) as visit:
            page = visit.open().page
            page.locator("#status").scroll_into_view_if_needed()
            expect(row(page, "on_gpu")).to_contain_text("· cuda:0")
            expect(row(page, "on_gpu")).to_contain_text("4.3 GB")
            expect(row(page, "tone")).to_contain_text("· cpu")
            expect(page.locator("#status")).to_contain_text("Fake GPU")
