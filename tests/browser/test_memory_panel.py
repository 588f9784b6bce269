"""The status shows the memory while it changes, tasks, and buttons that unload models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from realtime.settings import GpuSettings, Settings
from tests.browser.conftest import NewVisit
from tests.support.fake_devices import FakeDevices
from tests.support.server import LiveServer, services_with, serving


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> FakeDevices:
    devices = FakeDevices(gpus=2)
    monkeypatch.setattr("realtime.services.DeviceReader.read", lambda self: devices.read())
    return devices


@pytest.fixture
def live(settings: Settings, devices: FakeDevices) -> Iterator[LiveServer]:
    quick = replace(
        settings,
        gpu=GpuSettings(memory_monitoring_interval=0.25),
        tasks={"night": {"models": ["gain", "world"]}},
    )
    with serving(services_with(quick, "tone")) as live:
        yield live


@pytest.fixture
def page(new_visit: NewVisit, live: LiveServer) -> Iterator[Page]:
    with new_visit(live) as visit:
        page = visit.open().page
        page.locator("#status").scroll_into_view_if_needed()
        expect(page.locator(".devices li")).to_have_count(3)
        yield page


def test_bars_and_lines_move_with_the_memory(page: Page, devices: FakeDevices) -> None:
    gpu = page.locator("[data-device='cuda:1']")
    expect(gpu).to_contain_text("12.5 % · 1.1 GB of 8.6 GB · load 15 %")
    expect(gpu.locator("svg polyline")).to_have_attribute("points", re.compile(r"^0,35 "))
    devices.used["cuda:1"] = 6
    expect(gpu).to_contain_text("75 %")
    expect(gpu.locator("meter")).to_have_attribute("value", "75")
    expect(gpu.locator("svg polyline")).to_have_attribute("points", re.compile(r" 240,10$"))


def test_an_alert_and_a_load_are_told_as_they_happen(
    page: Page, devices: FakeDevices, live: LiveServer
) -> None:
    events = page.locator(".model-events li")
    devices.used["cuda:0"] = 8
    expect(events.first).to_contain_text("100 % of the memory of cuda:0")
    live.post("/api/models/load", {"id": "gain"})
    expect(events.filter(has_text="gain is loaded")).to_have_count(1)
    row = page.locator(".engines li", has=page.locator("[data-engine=gain]"))
    expect(row).to_have_attribute("data-state", "loaded")


def test_a_task_is_preloaded_and_cleaned_up(page: Page, live: LiveServer) -> None:
    page.locator("[data-task='night preload']").click()
    task = page.locator(".tasks li", has_text="night")
    expect(task).to_contain_text("keeps gain, world loaded")
    assert live.get("/api/tasks/night")["keeps"] == ["gain", "world"]
    page.locator("[data-task='night cleanup']").press("Enter")
    expect(task).not_to_contain_text("keeps")
    expect(page.locator(".memory [role=status]")).to_have_text("gain: unloaded · world: unloaded")


def test_models_are_unloaded_by_a_button_and_by_themselves(page: Page, live: LiveServer) -> None:
    live.post("/api/models/load", {"id": "gain"})
    page.get_by_role("button", name="Unload what nobody uses").click()
    row = page.locator(".engines li", has=page.locator("[data-engine=gain]"))
    expect(row).to_have_attribute("data-state", "unloaded")
    automatic = page.get_by_label("Unload idle models automatically")
    expect(automatic).to_be_checked()
    with page.expect_response("**/api/memory/cleanup"):
        automatic.uncheck()
    assert live.get("/api/memory/cleanup")["enabled"] is False


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_every_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width


def test_it_speaks_the_readers_language(page: Page) -> None:
    page.select_option("#page-language", "ja")
    expect(page.locator(".memory h3").first).to_have_text("メモリー")
    expect(page.locator("[data-task='night preload']")).to_contain_text("先に読み込む")
    expect(page.locator("[data-device='cuda:0']")).to_contain_text("負荷 15 %")


def test_nothing_is_followed_out_of_sight(page: Page, live: LiveServer) -> None:
    assert live.get("/api/status")["sockets"]["open"] >= 2, "the page's socket, and its events"
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function(
        """async () => (await (await fetch("/api/status")).json()).sockets.open === 1"""
    )
