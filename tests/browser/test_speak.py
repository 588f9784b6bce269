"""Speaking: lines in three languages, interrupted, again, as a file, as a request."""

from __future__ import annotations

import json
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from realtime.services import build
from realtime.settings import Settings
from tests.browser.conftest import NewVisit, Visit
from tests.support.server import LiveServer, serving

LONG = "It was a dark and stormy night, and the rain fell in torrents. " * 12
LOADING_MS = 300_000
MAGIC = [("wav", b"RIFF"), ("flac", b"fLaC"), ("opus", b"OggS")]
LINES = {
    "en": ("The gate is open, traveller.", "Heart", "hibari"),
    "zh": ("你好，旅行者。", "Xiaoxiao", "kokoro"),
    "ja": ("こんにちは、旅の人。", "Alpha", "kokoro"),
}


# The others load Kokoro, which other tests hear without a browser.
@pytest.mark.parametrize(
    "language", ["en", *(pytest.param(each, marks=pytest.mark.slow) for each in ("zh", "ja"))]
)
def test_a_line_is_heard_in_its_language(visit: Visit, language: str) -> None:
    text, who, engine = LINES[language]
    # What is waited for below is the line: loading Kokoro takes a busy machine a minute.
    loading = visit.page.request.post(f"{visit.url}/api/models/{engine}/load", timeout=LOADING_MS)
    assert loading.ok, loading.text()
    visit.hear(text)
    facts = visit.page.locator("#facts")
    expect(facts).to_contain_text(who)
    expect(facts).to_contain_text(engine)
    stats = visit.stats
    assert stats["firstAudioMs"] > 0
    assert stats["playedSamples"] > 24000 / 2
    assert visit.page.locator("#spoken").inner_text() == text
    said = "".join(visit.page.locator(".word.said").all_inner_texts())
    assert len(said) > len(text) / 2, "the words were lit"
    assert drawn(visit) > 0.02, "the waveform was drawn"


@pytest.mark.slow
def test_a_foreign_language_is_noted_quietly(visit: Visit) -> None:
    facts, note = visit.page.locator("#facts"), "not this voice's native language"
    visit.hear("The gate is open, traveller.")
    expect(facts).not_to_contain_text(note)
    visit.page.select_option("#character", "jf_alpha")
    visit.hear("The gate is open, traveller.")
    expect(facts).to_contain_text(note)
    visit.page.select_option("#page-language", "ja")
    expect(facts).to_contain_text("この声の母語ではありません")
    expect(visit.page.locator("#message")).to_be_empty()


@pytest.fixture
def untouched(new_visit: NewVisit, real_settings: Settings) -> Iterator[Visit]:
    """Open the page of a server of its own: in one that others used an engine may have failed."""
    with serving(build(real_settings)) as live, new_visit(live) as visit:
        yield visit.open()


def test_an_error_is_told_in_the_readers_language(untouched: Visit) -> None:
    visit, page, message = untouched, untouched.page, untouched.page.locator("#message")
    assert not [url for url in visit.requests if "errors" in url], "no error, no texts for it"
    page.select_option("#page-language", "ja")
    visit.say("🎉")
    expect(message).to_have_text("読み上げるものがありません。文字か数字が必要です。")
    page.select_option("#page-language", "zh")
    expect(message).to_have_text("这段文字里没有可读的内容：需要文字或数字。")
    page.evaluate("document.getElementById('text').maxLength = 6000")
    visit.say("a" * 5001)
    expect(message).to_have_text("文字有 5,001 个字符，上限是 5,000 个。")
    visit.allow("404")
    page.evaluate(
        """() => {
          const fetched = window.fetch;
          window.fetch = (path, {body, ...rest}) =>
            fetched(path, {...rest, ...(body && {body: body.replace("hibari", "nothing")})});
        }"""
    )
    button = page.locator("[data-model=hibari]")
    page.locator("#status").scroll_into_view_if_needed()  # a list out of sight is not made
    button.click()
    expect(message).to_contain_text("没有这个引擎：There is no model 'nothing'")


def drawn(visit: Visit) -> float:
    """Return the share of the waveform's canvas that is drawn on."""
    share: float = visit.page.evaluate(
        """() => {
          const canvas = document.getElementById("waveform");
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let filled = 0;
          for (let i = 3; i < data.length; i += 4) filled += data[i] > 200;
          return filled / (data.length / 4);
        }"""
    )
    return share


def test_words_light_up_one_after_the_other(visit: Visit) -> None:
    visit.page.evaluate(
        """() => {
          window.lit = [];
          new MutationObserver(() => {
            const now = document.querySelector(".word.now")?.textContent;
            if (now && now !== window.lit.at(-1)) window.lit.push(now);
          }).observe(document.getElementById("spoken"), {
            subtree: true, attributeFilter: ["class"],
          });
        }"""
    )
    visit.hear("One, two, three, four, five, six, seven, eight, nine, ten.")
    lit = visit.page.evaluate("window.lit")
    words = visit.page.locator(".word.said").all_inner_texts()
    assert [word.lower() for word in words][:3] == ["one", "two", "three"] and len(words) == 10
    # A busy browser leaves some out, and never goes back.
    assert lit and lit == [word for word in words if word in lit]


def test_each_word_is_lit_in_its_time(visit: Visit) -> None:
    shown = visit.page.evaluate(
        """async () => {
          const {LitWords} = await import("/static/speak/lit_words.js");
          const element = document.createElement("p");
          const litWords = new LitWords(element);
          const words = ["one", "two", "three"].map(
            (text, i) => ({text, start: i + 0.1, end: i + 1}));
          litWords.show("one, two (two!) and three.", "en");
          litWords.add(words.slice(0, 2));
          litWords.add([{text: "missing", start: 1.5, end: 1.6}, words[2]]);
          const lit = () => [".said", ".now"].map((kind) =>
            [...element.querySelectorAll(kind)].map((word) => word.textContent).join(" "));
          const found = [0, 0.2, 1.5, 2.5].map((position) => (litWords.light(position), lit()));
          litWords.finish();
          return [...found, lit(), element.textContent];
        }"""
    )
    assert shown == [
        ["", ""],
        ["", "one"],
        ["one", "two"],
        ["one two", "three"],
        ["one two three", ""],
        "one, two (two!) and three.",
    ]


def test_escape_interrupts_at_once(visit: Visit, real: LiveServer) -> None:
    visit.say(LONG)
    visit.wait_until_played()
    visit.page.press("#text", "Escape")
    visit.wait_for_state("idle")
    expect(visit.page.locator("#stop")).to_be_disabled()
    assert real.wait_until_idle()
    played = visit.stats["playedSamples"]
    assert 0 < played < 24000 * 20
    visit.hear("Go on.")
    assert 0 < visit.stats["playedSamples"] - played < 24000 * 4, "nothing of it is heard later"


def test_typing_over_a_line_interrupts_it(visit: Visit, real: LiveServer) -> None:
    visit.say(LONG)
    visit.wait_for_state("speaking")
    visit.page.press("#text", "x")
    visit.wait_for_state("idle")
    assert real.wait_until_idle()


def test_the_button_stops_and_a_new_line_replaces_the_old(visit: Visit) -> None:
    visit.say(LONG)
    visit.wait_for_state("speaking")
    visit.page.click("#stop")
    visit.wait_for_state("idle")
    visit.page.click("#speak")
    visit.wait_for_state("speaking")
    visit.say("Something else.")
    expect(visit.page.locator("#spoken")).to_have_text("Something else.")
    expect(visit.page.locator("#actions")).to_be_visible()
    visit.wait_for_state("idle")


def test_shift_and_enter_break_the_line(visit: Visit) -> None:
    visit.page.fill("#text", "One.")
    visit.page.press("#text", "Shift+Enter")
    assert visit.page.input_value("#text") == "One.\n"
    visit.wait_for_state("idle")
    expect(visit.page.locator("#now-playing")).to_be_hidden()


def test_an_empty_box_says_nothing(visit: Visit) -> None:
    visit.page.fill("#text", "  ")
    visit.page.click("#speak")
    expect(visit.page.locator("#text")).to_be_focused()
    expect(visit.page.locator("#now-playing")).to_be_hidden()


def test_the_same_line_comes_from_the_cache(visit: Visit, real: LiveServer) -> None:
    visit.hear("This will be said twice.")
    expect(visit.page.locator("#facts")).to_contain_text("newly spoken")
    before = real.get("/api/status")["cache"]
    visit.page.click("#replay")
    expect(visit.page.locator("#facts")).to_contain_text("from the cache")
    visit.wait_for_state("idle")
    after = real.get("/api/status")["cache"]
    assert (after["hit"] - before["hit"], after["miss"] - before["miss"]) == (1, 0)


def test_a_line_is_downloaded(visit: Visit, tmp_path: Path) -> None:
    visit.hear("A line for a file.")
    for form, magic in MAGIC:
        with visit.page.expect_download() as downloading:
            visit.page.click(f"[data-format={form}]")
        assert downloading.value.suggested_filename.endswith("." + form)
        downloading.value.save_as(tmp_path / form)
        assert (tmp_path / form).read_bytes().startswith(magic)
    with wave.open(str(tmp_path / "wav")) as file:
        assert file.getnframes() > 24000 / 2


def test_its_address_is_copied_and_plays(visit: Visit, real: LiveServer) -> None:
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.hear("A line with an address.")
    visit.page.click("#copy")
    expect(visit.page.locator("#message")).to_have_text("Copied.")
    address = visit.page.evaluate("navigator.clipboard.readText()")
    answer = real.answer("GET", address)
    assert (answer.status, answer.getheader("X-Cache")) == (200, "hit")
    assert answer.read().startswith(b"RIFF")


def test_the_requests_make_the_same_line(visit: Visit, real: LiveServer, tmp_path: Path) -> None:
    visit.hear("It's \"the same\", isn't it?")
    visit.page.click(".requests summary")
    before = real.get("/api/status")["cache"]
    for recipe in ("generate", "curl"):
        command = visit.page.locator(f"[data-request={recipe}]").inner_text()
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        if recipe == "generate":
            answer = json.loads(done.stdout)
            assert answer["code"] == 200
            assert urlsplit(answer["audioURL"]).path.startswith(
                "/audio/en/af_heart/short/it-s-the-same"
            )
    assert (tmp_path / "line.wav").read_bytes().startswith(b"RIFF")
    after = real.get("/api/status")["cache"]
    assert (after["hit"] - before["hit"], after["miss"] - before["miss"]) == (2, 0)


def test_what_cannot_be_said_is_told(visit: Visit) -> None:
    visit.page.select_option("#engine", "hibari")
    visit.say("こんにちは。")
    expect(visit.page.locator("#message")).to_contain_text("hibari")
    visit.wait_for_state("idle")
    visit.page.select_option("#engine", "")
    visit.hear("But this can.")
    expect(visit.page.locator("#message")).to_be_empty()


def test_speed_and_seed_are_part_of_the_line(visit: Visit, real: LiveServer) -> None:
    lengths = {}
    for speed in ("1", "2"):
        visit.page.fill("#speed", speed)
        visit.page.fill("#seed", "7")
        visit.page.select_option("#character", "af_heart")
        visit.hear("How fast is this line?")
        visit.page.click(".requests summary")
        command = visit.page.locator("[data-request=curl]").inner_text()
        assert '"seed":7' in command and ('"speed":2' in command) == (speed == "2")
        lengths[speed] = visit.page.evaluate("document.querySelector('#facts').textContent")
    assert lengths["1"] != lengths["2"]
