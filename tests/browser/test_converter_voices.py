"""Voices of converters on the page: chosen, told what to do, heard, remembered, and as second ones.

Their weights are small and random.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.chromium import arguments, tap, wait_for, write_wav
from realtime.conversion import overload
from realtime.services import build
from realtime.settings import PresetsSettings, Settings
from tests.browser.conftest import PATIENCE_MS, Launch, NewVisit, Visit
from tests.browser.test_access import findings
from tests.browser.test_talk import heard_until, loud, slide, talk
from tests.support.ddsp_files import ddsp_config, write_ddsp_voice
from tests.support.polling import wait_until
from tests.support.rvc_models import bring_rvc
from tests.support.server import LiveServer, serving
from tests.support.voice_like_sound import RATE, pcm, voice

NANA = """\
engine: rvc
display_name: Nana
median_pitch: 220
voice: {file: nana.pth, index_share: 0.6, pitch_method: world}
"""
pytestmark = pytest.mark.timeout(600)  # a busy machine has little time for so much at once


@pytest.fixture(scope="module")
def browser(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone hears a voice without end."""
    heard = tmp_path_factory.mktemp("heard") / "voice.wav"
    write_wav(heard, pcm(voice(6.5, 140.0)), RATE)
    with launch(*arguments(heard)) as browser:
        yield browser


@pytest.fixture(scope="module")
def brought(
    shared_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server with a card of a converter's voice, and with voices that have none."""
    presets, models = tmp_path_factory.mktemp("presets"), tmp_path_factory.mktemp("models")
    (presets / "nana.yaml").write_text(NANA)
    for file in shared_settings.presets.path.glob("af_heart.*"):
        shutil.copy(file, presets)
    own = bring_rvc(models, ["nana", "kyo"]).models
    write_silent_ddsp(models / "ddsp_svc" / "mei", moves_formants=False)
    settings = replace(shared_settings, models=own, presets=PresetsSettings(path=presets))
    with serving(build(settings)) as live:
        live.services.voice_changer.patience = float(PATIENCE_MS)
        yield live


def write_silent_ddsp(folder: Path, moves_formants: bool) -> None:
    """Write a voice that is listed and never loaded."""
    config = ddsp_config("6.1")
    config["model"]["use_pitch_aug"] = moves_formants
    write_ddsp_voice(folder, state={}, config=config)


@dataclass
class Listening(Visit):
    """A visit that notes the messages which the page sends."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    def last(self, kind: str) -> dict[str, Any]:
        """Return the last message of a type, without what each has of its own."""
        message = [each for each in self.sent if each["type"] == kind][-1]
        left_out = ("id", "sample_rate", "output_sample_rate", "meter", "timestamps", "type")
        return {name: value for name, value in message.items() if name not in left_out}


def note(sent: list[dict[str, Any]], data: str | bytes) -> None:
    if isinstance(data, str):
        sent.append(json.loads(data))


@pytest.fixture
def visit(new_visit: NewVisit, brought: LiveServer) -> Iterator[Listening]:
    """The page with a tap before its loudspeaker."""
    with new_visit(brought, bypass_csp=True) as plain:
        sent: list[dict[str, Any]] = []
        plain.page.on(
            "websocket",
            lambda socket: socket.on("framesent", lambda data: note(sent, data)),
        )
        tap(plain.page)
        plain.open()
        yield Listening(**{**vars(plain), "sent": sent})


def choose(page: Page, name: str) -> None:
    page.select_option("#talk-character", name)


def wait_for_listen(visit: Listening, **fields: Any) -> None:
    wait_until(lambda: visit.page.wait_for_timeout(20) or is_part(fields, visit.last("listen")))


def is_part(fields: dict[str, Any], message: dict[str, Any]) -> bool:
    return {name: message.get(name) for name in fields} == fields


def shown(page: Page, name: str) -> Any:
    return expect(page.locator(f"output[for=talk-{name}]"))


def test_voices_are_listed_apart_from_characters(visit: Listening) -> None:
    page = visit.page
    groups = page.locator("#talk-character optgroup")
    assert [each.get_attribute("label") for each in groups.all()] == [
        "Voices of converters",
        "Characters whose pitch it gets",
    ]
    assert groups.first.locator("option").all_inner_texts() == ["Nana", "ddsp_svc:mei", "rvc:kyo"]
    choose(page, "nana")
    page.check("#revoice")
    expect(page.locator("#talk-character")).to_have_value("")
    expect(groups.first).to_be_disabled()
    page.check("#convert")
    expect(page.locator("#talk-character")).to_have_value("nana")


def test_a_voice_can_be_told_what_its_engine_can_do(visit: Listening) -> None:
    page = visit.page
    for name in ("breath", "effect"):
        expect(page.locator(f"#talk-{name}")).to_be_visible()
    choose(page, "nana")
    shown(page, "key").to_have_text("its own")
    shown(page, "index_share").to_have_text("0.60")
    shown(page, "formant-of-voice").to_have_text("1.00")
    expect(page.locator("#talk-speaker")).to_have_value("0")
    expect(page.locator("#talk-pitch_method")).to_have_value("world")
    for name in ("breath", "effect", "pitch", "formant"):
        expect(page.locator(f"#talk-{name}")).to_be_hidden()
    page.select_option("#page-language", "ja")
    expect(page.get_by_label("インデックスの割合")).to_be_visible()
    shown(page, "key").to_have_text("声のまま")
    choose(page, "ddsp_svc:mei")
    expect(page.locator("#talk-steps")).to_have_attribute("max", "200")
    expect(page.locator("#talk-method option")).to_have_text(["auto", "euler", "rk4"])
    expect(page.locator("#talk-speaker_mix")).to_have_attribute("maxlength", "100")
    expect(page.locator("#talk-formant-of-voice")).to_have_count(0)
    shown(page, "key").to_have_text("0")


@pytest.mark.slow
def test_what_is_chosen_is_heard_at_once(
    visit: Listening, brought: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overload, "TOO_MUCH", float("inf"))
    page = visit.page
    choose(page, "nana")
    talk(page)
    wait_for_listen(visit, character="nana", options={})
    assert not {"breath", "effect", "pitch"} & set(visit.last("listen"))
    heard_until(page, loud)
    slide(page, "index_share", 0.25)
    wait_for_listen(visit, character="nana", options={"index_share": 0.25})
    slide(page, "key", -5)
    slide(page, "formant-of-voice", 1.2)
    page.fill("#talk-speaker", "2")
    page.press("#talk-speaker", "Enter")
    given = {"index_share": 0.25, "speaker": 2}
    wait_for_listen(visit, pitch=-5, formant=1.2, options=given)
    heard_until(page, loud)
    page.fill("#talk-speaker", "9")
    page.press("#talk-speaker", "Enter")
    expect(page.locator("#talk-remark")).to_contain_text("There is no speaker 9")
    choose(page, "rvc:kyo")
    wait_for_listen(visit, engine="rvc:kyo", options={})
    expect(page.locator("#talk-remark")).to_be_empty()
    page.select_option("#talk-pitch_method", "world")
    wait_for_listen(visit, engine="rvc:kyo", options={"pitch_method": "world"})
    wait_until(lambda: brought.services.models.is_loaded("rvc:kyo"))
    heard_until(page, loud)


def test_settings_are_remembered_for_each_voice(visit: Listening) -> None:
    page = visit.page
    choose(page, "nana")
    slide(page, "key", 7)
    slide(page, "protect", 0.1)
    choose(page, "rvc:kyo")
    shown(page, "key").to_have_text("0")
    slide(page, "key", -3)
    page.reload()
    expect(page.locator("#talk-character")).to_have_value("rvc:kyo")
    shown(page, "key").to_have_text("-3")
    choose(page, "nana")
    shown(page, "key").to_have_text("+7")
    shown(page, "protect").to_have_text("0.10")
    page.click("#talk-reset")
    shown(page, "key").to_have_text("its own")
    shown(page, "protect").to_have_text("0.33")


def test_a_machine_that_is_too_slow_is_told_with_its_figure(
    visit: Listening, brought: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, model = visit.page, brought.services.models.converter("rvc:nana")
    answer = page.request.post(f"{visit.url}/api/models/rvc:nana/load")
    assert answer.ok, answer.text()
    monkeypatch.setattr(model.engine, "block_seconds", 60.0)
    choose(page, "nana")
    page.click("#mic")
    remark = page.locator("#talk-remark")
    expect(remark).to_contain_text("The server cannot keep up")
    expect(remark).to_contain_text(" s when the voice was loaded.")
    choose(page, "")
    expect(remark).to_be_empty()


def test_a_line_has_a_second_voice(visit: Listening) -> None:
    page = visit.page
    page.select_option("#engine", "tone")
    page.select_option("#then", "nana")
    visit.hear("The gate is open.")
    assert visit.last("say")["then"] == "nana"
    expect(page.locator("#facts")).to_contain_text("then in the voice of Nana")
    expect(page.locator("#history .again >> nth=0")).to_contain_text("Heart → Nana")
    page.click("#replay")
    visit.wait_until_played()
    visit.wait_for_state("idle")
    assert visit.last("say")["then"] == "nana"
    expect(page.locator("#facts")).to_contain_text("from the cache")
    page.reload()
    visit.wait_for_connection("ready")
    expect(page.locator("#then")).to_have_value("nana")
    page.select_option("#then", "")
    visit.hear("The gate is open.")
    assert "then" not in visit.last("say")
    expect(page.locator("#history .again")).to_have_count(2)
    page.click("#history li >> nth=1 >> [data-t-label='history.edit']")
    expect(page.locator("#then")).to_have_value("nana")


@pytest.mark.slow
def test_a_line_with_a_second_voice_is_stopped(visit: Listening, brought: LiveServer) -> None:
    page = visit.page
    page.select_option("#engine", "tone")
    page.select_option("#then", "rvc:kyo")
    visit.say("It was a dark and stormy night, and the rain fell in torrents. " * 12)
    visit.wait_until_played()
    page.press("body", "Escape")
    visit.wait_for_state("idle")
    wait_until(lambda: not brought.services.models.users())


def test_without_voices_nothing_of_them_is_shown(new_visit: NewVisit, real: LiveServer) -> None:
    with new_visit(real) as visit:
        visit.open()
        expect(visit.page.locator("#then")).to_be_hidden()
        expect(visit.page.locator("#talk-character optgroup")).to_have_count(2)
        expect(visit.page.locator("#talk-character optgroup").first).to_be_hidden()
        assert not [url for url in visit.requests if "converter_fields" in url]


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_and_can_be_used_by_everybody(
    new_visit: NewVisit, brought: LiveServer, width: int
) -> None:
    with new_visit(brought, viewport={"width": width, "height": 800}) as visit:
        page = visit.open().page
        for name in ("nana", "ddsp_svc:mei"):
            choose(page, name)
            expect(page.locator("#talk-key")).to_be_visible()
            for language in ("en", "zh", "ja"):
                page.select_option("#page-language", language)
                assert page.evaluate("document.documentElement.scrollWidth") == width
                assert findings(visit) == [], language


def test_all_is_reached_by_keys(visit: Listening) -> None:
    page = visit.page
    choose(page, "nana")
    page.locator("#talk-key").focus()
    page.keyboard.press("ArrowRight")
    shown(page, "key").to_have_text("+0.5")
    page.keyboard.press("Tab")
    expect(page.locator("#talk-formant-of-voice")).to_be_focused()
    wait_for(page, "JSON.parse(localStorage['yamabiko.talk']).voices.nana.pitch === 0.5")
