"""The page itself: what it loads, its handles, voices, history, languages, themes and widths."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from realtime.web.routes.page import POLICY
from tests.browser.conftest import NewVisit, Visit
from tests.support.hidden_libraries import TORCH, hide
from tests.support.server import LiveServer

MOST_BYTES = 150_000
HANDLES = ["text", "speak", "stop", "character", "language", "seed", "speed", "history", "latency"]
HANDLES += ["mic", "convert", "status"]


def test_the_first_load_is_light_and_asks_nobody_else(
    new_visit: NewVisit, real: LiveServer
) -> None:
    with new_visit(real) as visit:
        sizes: dict[str, int] = {}
        visit.page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
        visit.open()
        expect(visit.page.locator(".tiles dt")).not_to_have_count(0)
        visit.page.wait_for_load_state("networkidle")
        weight = sum(size for url, size in sizes.items() if "/picture" not in url)
        assert 50_000 < weight <= MOST_BYTES, sizes
        assert visit.page.evaluate("Object.keys(yamabiko.stats)").count("firstAudioMs") == 1


def test_the_page_has_its_handles(visit: Visit) -> None:
    for handle in HANDLES:
        expect(visit.page.locator(f"#{handle}")).to_have_count(1)
    assert {"firstAudioMs", "underruns", "bufferMs", "playedSamples"} <= set(visit.stats)


def test_the_policy_holds_in_the_browser(visit: Visit) -> None:
    assert "script-src 'self'" in POLICY
    visit.allow("Content Security Policy")
    done = visit.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.broken = true";
          document.body.append(script);
          return window.broken ?? false;
        }"""
    )
    assert done is False
    assert visit.errors, "the browser says so"


def test_a_card_chooses_who_speaks(visit: Visit) -> None:
    page = visit.page
    page.locator(".card", has_text="Bella").locator("label").click()
    expect(page.locator("#character")).to_have_value("af_bella")
    page.select_option("#character", "bm_george")
    assert page.locator(".card :checked").get_attribute("value") == "bm_george"
    page.locator(".card :checked").press("ArrowDown")
    expect(page.locator("#character")).to_have_value("jf_alpha")
    page.reload()
    expect(page.locator("#character")).to_have_value("jf_alpha")
    assert page.locator(".card :checked").get_attribute("value") == "jf_alpha"


def test_a_card_lets_its_voice_be_heard(visit: Visit) -> None:
    play = visit.page.locator("[data-sample=af_heart]")
    play.click()
    expect(play).to_have_attribute("data-playing", "true")
    visit.wait_until_played()
    play.click()
    expect(play).to_have_attribute("data-playing", "false")
    visit.wait_for_state("idle")
    expect(visit.page.locator("#history .again")).to_have_count(0)


def test_the_voices_of_one_language(visit: Visit) -> None:
    everybody = visit.page.locator(".card").count()
    visit.page.click(".filters [lang=ja]")
    expect(visit.page.locator(".filters [lang=ja]")).to_have_attribute("aria-pressed", "true")
    some = visit.page.locator(".card").count()
    assert 1 < some < everybody


def test_what_was_said_is_found_again(visit: Visit) -> None:
    page = visit.page
    for text in ("The first line.", "Another one."):
        visit.hear(text)
    lines = page.locator("#history .again .text")
    assert lines.all_inner_texts() == ["Another one.", "The first line."]
    expect(page.locator("#history .again >> nth=0")).to_contain_text("Heart")
    page.fill("#search", "FIRST")
    expect(lines).to_have_text(["The first line."])
    page.reload()
    expect(lines).to_have_text(["Another one.", "The first line."])
    visit.wait_for_connection("ready")
    page.click("#history .again >> nth=1")
    expect(page.locator("#spoken")).to_have_text("The first line.")
    expect(page.locator("#actions")).to_be_visible()
    visit.wait_for_state("idle")
    assert lines.all_inner_texts() == ["The first line.", "Another one."]
    page.click("#history li >> nth=1 >> [data-t-label='history.edit']")
    expect(page.locator("#text")).to_have_value("Another one.")
    page.click("#history li >> nth=0 >> [data-t-label='history.forget']")
    expect(lines).to_have_text(["Another one."])
    page.click("[data-t='history.clear']")
    expect(lines).to_have_count(0)


@pytest.mark.parametrize(
    ("locale", "language", "word"),
    [("zh-TW", "zh", "停止"), ("ja-JP", "ja", "止める"), ("de", "en", "Stop")],
)
def test_it_speaks_the_browsers_language(
    new_visit: NewVisit, real: LiveServer, locale: str, language: str, word: str
) -> None:
    with new_visit(real, locale=locale) as visit:
        visit.open()
        expect(visit.page.locator("html")).to_have_attribute("lang", language)
        expect(visit.page.locator("#stop")).to_have_text(word)


def test_the_language_is_switched_and_stays(visit: Visit) -> None:
    page = visit.page
    visit.hear("Good morning.")
    page.select_option("#page-language", "ja")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.locator("#speak")).to_have_text("話す")
    expect(page.locator("#replay")).to_have_text("もう一度聞く")
    expect(page.locator("#facts")).to_contain_text("エンジン")
    page.reload()
    expect(page.locator("#speak")).to_have_text("話す")


def test_light_and_dark(new_visit: NewVisit, real: LiveServer) -> None:
    def paper(visit: Visit) -> str:
        colour: str = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    with new_visit(real, color_scheme="dark") as visit:
        visit.open()
        dark = paper(visit)
        visit.page.select_option("#theme", "light")
        light = paper(visit)
        visit.page.reload()
        assert paper(visit) == light != dark
        visit.page.select_option("#theme", "")
        assert paper(visit) == dark


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_hangs_over_the_edge(new_visit: NewVisit, real: LiveServer, width: int) -> None:
    with new_visit(real, viewport={"width": width, "height": 800}) as visit:
        visit.open().hear("A wide line.")
        visit.page.click(".requests summary")
        visit.page.locator("#status").scroll_into_view_if_needed()
        expect(visit.page.locator(".models > li")).not_to_have_count(0)
        for summary in visit.page.locator(".models summary").all():
            summary.click()
        for language in ("en", "zh", "ja"):
            visit.page.select_option("#page-language", language)
            assert visit.page.evaluate("document.documentElement.scrollWidth") == width


def test_all_can_be_reached_by_keys(visit: Visit) -> None:
    page = visit.page
    page.press("body", "Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.press(".skip", "Enter")
    text = " ".join(["By hand, and without a mouse."] * 8)  # long enough to be seen at it
    page.keyboard.type(text)
    page.keyboard.press("Tab")
    expect(page.locator("#speak")).to_be_focused()
    page.keyboard.press("Space")
    visit.wait_for_state("speaking")
    page.keyboard.press("Escape")
    visit.wait_for_state("idle")
    expect(page.locator("#spoken")).to_have_text(text)


def test_engines_are_loaded_and_unloaded(visit: Visit) -> None:
    page = visit.page
    page.locator("#status").scroll_into_view_if_needed()
    button = page.locator("[data-model=gain]")
    row = page.locator(".models > li", has=button)
    expect(row).to_have_attribute("data-state", "unloaded")
    button.press("Enter")
    expect(row).to_have_attribute("data-state", "loaded")
    expect(button).to_be_focused()
    expect(button).to_contain_text("Unload")
    button.press("Enter")
    expect(row).to_have_attribute("data-state", "unloaded")


def test_an_engine_that_speaks_stays(visit: Visit) -> None:
    visit.allow("409")
    visit.say("It was a dark and stormy night, and the rain fell in torrents. " * 12)
    visit.wait_for_state("speaking")
    visit.page.locator("#status").scroll_into_view_if_needed()
    visit.page.click("[data-model=hibari]")
    expect(visit.page.locator("#message")).to_contain_text("a line of af_heart")
    visit.page.press("body", "Escape")


def test_an_engine_that_cannot_run_says_the_one_command(
    new_visit: NewVisit, real: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, TORCH)
    with new_visit(real) as visit:
        visit.allow("503")
        page = visit.open().page
        button = page.locator("[data-model=torchscript]")
        row = page.locator(".models > li", has=button)
        page.locator("#status").scroll_into_view_if_needed()
        expect(row).to_contain_text("cannot run here")
        missing = page.locator(".missing li", has_text="torch is not installed").filter(
            has_text="torchscript"
        )
        expect(missing).to_contain_text("run `make serve EXTRAS=torch`")
        button.press("Enter")
        expect(row).to_have_attribute("data-state", "failed")
        expect(row).to_contain_text("needs torch, which is not installed")
        expect(row).to_contain_text("Run `make serve EXTRAS=torch`.")
