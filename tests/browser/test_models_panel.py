"""The status shows the models and their memory while they change, and manages them and tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect
from websockets.sync.client import connect

from realtime.settings import GpuSettings, Settings
from tests.browser.conftest import NewVisit, Visit
from tests.browser.test_access import findings
from tests.support.fake_devices import FakeDevices
from tests.support.server import LiveServer, services_with, serving


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> FakeDevices:
    return FakeDevices(gpus=2).install(monkeypatch)


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
def visit(new_visit: NewVisit, live: LiveServer) -> Iterator[Visit]:
    with new_visit(live) as visit:
        page = visit.open().page
        page.locator("#status").scroll_into_view_if_needed()
        expect(page.locator(".devices li")).to_have_count(3)
        yield visit


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.page


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
    expect(row(page, "gain")).to_have_attribute("data-state", "loaded")


def row(page: Page, id: str) -> Locator:
    return page.locator(".models > li", has=page.locator(f"[data-model={id}]"))


def choose(page: Page, *ids: str) -> None:
    for id in ids:
        page.get_by_label(f"Choose {id}", exact=True).check()


def test_a_card_shows_what_a_model_takes_and_when_it_goes(page: Page, live: LiveServer) -> None:
    expect(row(page, "world")).to_contain_text("changes a voice · cpu")
    expect(row(page, "world").locator("meter")).to_be_hidden()
    live.post("/api/models/load", {"id": "world"})
    expect(row(page, "world")).to_contain_text("of 17 GB")
    expect(row(page, "world").locator("meter")).to_be_visible()
    expect(row(page, "world")).to_contain_text(re.compile("used just now · unloads in (29|30) min"))


def test_details_are_told_on_demand_and_stay_open(page: Page, live: LiveServer) -> None:
    details = row(page, "world").locator("details")
    details.locator("summary").press("Enter")
    expect(details.locator("dl")).to_contain_text("Used bynobody")
    live.post("/api/models/load", {"id": "world"})
    expect(details.locator("dl")).to_contain_text("Memory, measured")
    expect(details.locator("summary")).to_be_focused()
    kokoro = row(page, "kokoro").locator("details")
    kokoro.locator("summary").click()
    expect(kokoro.locator("dl")).to_contain_text("kokoro-v1.0")


def test_several_models_are_loaded_and_unloaded_together(page: Page, live: LiveServer) -> None:
    choose(page, "gain", "world")
    expect(page.locator("#choose-all")).to_have_js_property("indeterminate", True)
    page.get_by_role("button", name="Load the chosen", exact=True).click()
    outcomes = page.locator(".models-panel section").first.locator(".outcomes li")
    expect(outcomes).to_have_text(["gain: loaded", "world: loaded"])
    expect(row(page, "gain")).to_have_attribute("data-state", "loaded")
    expect(page.locator(".models > li :checked")).to_have_count(2)
    page.get_by_role("button", name="Unload the chosen").click()
    expect(outcomes).to_have_text(["gain: not loaded", "world: not loaded"])
    expect(row(page, "world")).to_have_attribute("data-state", "unloaded")


def test_all_are_chosen_or_none(page: Page) -> None:
    boxes = page.locator(".models > li .head input")
    page.locator("#choose-all").press("Space")
    expect(page.locator(".models > li .head :checked")).to_have_count(boxes.count())
    page.locator("#choose-all").press("Space")
    expect(page.locator(".models > li .head :checked")).to_have_count(0)
    expect(page.get_by_role("button", name="Load the chosen", exact=True)).to_have_attribute(
        "aria-disabled", "true"
    )


def test_each_outcome_is_told_and_a_model_in_use_goes_by_force(
    visit: Visit, page: Page, live: LiveServer
) -> None:
    visit.allow("409", "socket")
    live.post("/api/models/load", {"id": "world"})
    with connect(live.url.replace("http", "ws") + "/ws") as socket:
        socket.recv()
        socket.send(json.dumps({"type": "listen", "id": "m", "engine": "gain"}))
        expect(row(page, "gain")).to_contain_text("used by")
        choose(page, "gain", "world")
        page.get_by_role("button", name="Unload the chosen").click()
        outcomes = page.locator(".models-panel section").first.locator(".outcomes li")
        expect(outcomes.first).to_contain_text("gain: The engine is in use and stays loaded.")
        expect(outcomes.last).to_have_text("world: not loaded")
        page.get_by_label("By force: also what is in use").check()
        page.locator("[data-model=gain]").click()
        expect(row(page, "gain")).to_have_attribute("data-state", "unloaded")


def test_models_go_to_the_device_that_is_chosen(visit: Visit, page: Page, live: LiveServer) -> None:
    visit.allow("400")
    page.get_by_label("Load on").select_option("cuda:1")
    choose(page, "gain")
    page.get_by_role("button", name="Load the chosen", exact=True).click()
    outcomes = page.locator(".models-panel section").first.locator(".outcomes li")
    expect(outcomes).to_contain_text("gain: It cannot run there:")
    page.get_by_label("Load on").select_option("cpu")
    page.locator("[data-model=gain]").click()
    expect(row(page, "gain")).to_have_attribute("data-state", "loaded")


def test_a_task_is_preloaded_and_cleaned_up(page: Page, live: LiveServer) -> None:
    page.locator("[data-task='night preload']").click()
    task = page.locator(".tasks li", has_text="night")
    expect(task).to_contain_text("keeps gain, world loaded")
    assert live.get("/api/tasks/night")["keeps"] == ["gain", "world"]
    expect(row(page, "gain")).to_contain_text("kept by night")
    page.locator("[data-task='night cleanup']").press("Enter")
    expect(task).not_to_contain_text("keeps")
    outcomes = page.locator(".tasks + .outcomes li")
    expect(outcomes).to_have_text(["gain: not loaded", "world: not loaded"])


def test_a_task_is_made_changed_and_deleted(page: Page, live: LiveServer) -> None:
    page.locator("#new-task").click()
    dialog = page.locator("#task-dialog")
    dialog.get_by_label("Name").fill("rehearsal")
    dialog.get_by_label("world", exact=True).check()
    dialog.get_by_label("Device").select_option("cpu")
    dialog.get_by_label("Memory that").fill("512")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#new-task")).to_be_focused()
    task = page.locator(".tasks li", has_text="rehearsal")
    expect(task).to_contain_text("at most 512 MB · priority 1 · on cpu")
    made = live.get("/api/tasks/rehearsal")
    assert (made["models"], made["device"], made["memory_limit_mb"]) == (["world"], "cpu", 512)
    edit = page.locator("[data-task='rehearsal edit']")
    edit.press("Enter")
    expect(dialog.get_by_label("Name")).to_have_value("rehearsal")
    dialog.get_by_label("gain", exact=True).check()
    dialog.get_by_label("Priority").fill("7")
    dialog.get_by_label("The clean-up unloads").uncheck()
    dialog.get_by_label("Priority").press("Enter")
    expect(task).to_contain_text("priority 7 · on cpu · stays loaded after the clean-up")
    expect(edit).to_be_focused()
    assert live.get("/api/tasks/rehearsal")["models"] == ["world", "gain"]
    edit.press("Enter")
    dialog.get_by_role("button", name="Delete").click()
    expect(task).to_have_count(0)
    expect(page.locator("#new-task")).to_be_focused()


def test_a_task_that_cannot_be_is_told_in_its_dialog(visit: Visit, page: Page) -> None:
    visit.allow("400")
    page.locator("#new-task").click()
    dialog = page.locator("#task-dialog")
    dialog.get_by_label("Name").fill("night")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text("There is a task of this name already.")
    dialog.get_by_label("Name").fill("other")
    dialog.get_by_label("Memory that").fill("1000000000")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("memory_limit_mb")
    page.keyboard.press("Escape")
    expect(page.locator("#new-task")).to_be_focused()


def test_models_are_unloaded_by_a_button(page: Page, live: LiveServer) -> None:
    live.post("/api/models/load", {"id": "gain"})
    page.get_by_role("button", name="Unload what nobody uses").click()
    expect(page.locator("#message")).to_have_text("What could be unloaded is unloaded.")
    expect(row(page, "gain")).to_have_attribute("data-state", "unloaded")


def test_the_rules_of_unloading_are_changed(visit: Visit, page: Page, live: LiveServer) -> None:
    automatic = page.get_by_label("Unload idle models automatically")
    expect(automatic).to_be_checked()
    for change in (
        automatic.uncheck,
        lambda: (page.fill("#idle_timeout_minutes", "7.5"), page.keyboard.press("Enter")),
        lambda: (page.fill("#cleanup_threshold_percent", "70"), page.keyboard.press("Tab")),
    ):
        with page.expect_response("**/api/memory/cleanup"):
            change()
    rules = {"enabled": False, "idle_timeout_minutes": 7.5, "cleanup_threshold_percent": 70}
    assert live.get("/api/memory/cleanup") == rules
    visit.allow("400")
    page.fill("#cleanup_threshold_percent", "400")
    page.locator("#cleanup_threshold_percent").blur()
    expect(page.locator("#message")).to_contain_text("cleanup_threshold_percent")
    expect(page.locator("#cleanup_threshold_percent")).to_have_value("70")


def test_what_another_operator_does_is_shown(page: Page, live: LiveServer) -> None:
    task = page.locator(".tasks li", has_text="night")
    expect(task).to_contain_text("gain, world")
    live.post("/api/tasks/night/preload", {})
    expect(task).to_contain_text("keeps gain, world loaded")
    expect(row(page, "gain")).to_contain_text("kept by night")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_found_in_it(visit: Visit, page: Page, theme: str) -> None:
    page.select_option("#theme", theme)
    for language in ("en", "zh", "ja"):
        page.select_option("#page-language", language)
        page.locator("[data-task='night edit']").click()
        expect(page.locator("#task-dialog")).to_be_visible()
        assert findings(visit) == [], language
        page.keyboard.press("Escape")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_every_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for summary in page.locator(".models summary").all():
        summary.click()
    page.locator("#new-task").click()
    expect(page.locator("#task-dialog")).to_be_in_viewport(ratio=0.9)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width


def test_it_speaks_the_readers_language(page: Page) -> None:
    page.select_option("#page-language", "ja")
    expect(page.locator(".models-panel h3").first).to_have_text("モデル")
    expect(row(page, "world")).to_contain_text("声を変える · cpu")
    expect(page.locator("[data-task='night preload']")).to_contain_text("先に読み込む")
    expect(page.locator("[data-device='cuda:0']")).to_contain_text("負荷 15 %")


def test_nothing_is_followed_out_of_sight(page: Page, live: LiveServer) -> None:
    assert live.get("/api/status")["sockets"]["open"] >= 2, "the page's socket, and its events"
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function(
        """async () => (await (await fetch("/api/status")).json()).sockets.open === 1"""
    )
