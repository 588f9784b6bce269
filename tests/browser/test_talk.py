"""Talking: another voice comes out of the page, and what the meter shows was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.chromium import arguments, record, tap, wait_for, write_wav
from realtime.conversion import overload
from tests.browser.conftest import PATIENCE_MS, Launch, NewVisit, Visit
from tests.support.polling import wait_until
from tests.support.server import LiveServer
from tests.support.voice_like_sound import RATE, pcm, voice

PITCH = 140.0
STAGES = ("capture", "network", "queue", "engine", "buffer")
SILENT = 0.002
TRIES = 150
pytestmark = pytest.mark.timeout(600)  # a busy machine has little time for so much at once


@pytest.fixture(scope="module")
def browser(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone hears a voice without end, and that lets every page listen."""
    heard = tmp_path_factory.mktemp("heard") / "voice.wav"
    write_wav(heard, pcm(voice(6.5, PITCH)), RATE)
    with launch(*arguments(heard)) as browser:
        yield browser


@pytest.fixture(autouse=True)
def never_bypassed(real: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no overload bypass the converter, however busy the machine is."""
    monkeypatch.setattr(overload, "TOO_MUCH", float("inf"))
    monkeypatch.setattr(real.services.voice_changer, "patience", float(PATIENCE_MS))


@pytest.fixture
def visit(new_visit: NewVisit, real: LiveServer) -> Iterator[Visit]:
    """The page with a tap before its loudspeaker."""
    with new_visit(real, bypass_csp=True) as visit:
        tap(visit.page)
        visit.page.add_init_script(UNPLUGGING)
        yield visit.open()


# No test can pull a device out of a browser: its end is told as a browser would tell it.
UNPLUGGING = """
(() => {
  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  window.plug = { streams: [], asked: [], gone: false };
  devices.getUserMedia = async (wishes) => {
    plug.asked.push(wishes.audio);
    if (plug.gone) throw new DOMException("There is none.", "NotFoundError");
    const stream = await ask(wishes);
    plug.streams.push(stream);
    return stream;
  };
  plug.out = () => {
    plug.gone = true;
    for (const track of plug.streams.at(-1).getTracks()) {
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }
  };
  plug.in = () => {
    plug.gone = false;
    devices.dispatchEvent(new Event("devicechange"));
  };
})();
"""


def mic(page: Page) -> Locator:
    return page.locator("#mic")


def says(page: Page, key: str) -> None:
    expect(page.locator("#talk-state")).to_have_attribute("data-t", key)


def slide(page: Page, name: str, value: float) -> None:
    page.locator(f"#talk-{name}").fill(str(value))


def talk(page: Page) -> None:
    mic(page).click()
    wait_for(page, "yamabiko.stats.delay?.total")
    page.evaluate("tap.begin()")


def heard_until(page: Page, holds: Callable[[Any], bool], seconds: float = 0.8) -> None:
    """Wait until what is played is as it should be: a busy machine converts with breaks."""
    heard = []
    for _ in range(TRIES):
        out, _, _ = record(page, seconds)
        if holds(out):
            return
        heard.append(f"{level_of(out):.3f} at {pitch_of(out):.0f} Hz")
    shown = page.locator("#talk-state").get_attribute("data-t")
    stats = page.evaluate("({...yamabiko.stats})")
    pytest.fail(f"It was never heard; the page says {shown}, {stats}; heard were {heard[-20:]}.")


def pitch_of(sound: Any) -> float:
    """Return the median pitch of the loud parts in hertz; 0 where none has a pitch."""
    size = RATE // 20
    frames = sound[: sound.size // size * size].reshape(-1, size)
    found = [_period(frame) for frame in frames if level_of(frame) > 0.02]
    pitches = [RATE / period for period in found if period]
    return float(np.median(pitches)) if pitches else 0.0


def _period(frame: Any) -> int:
    shortest, longest = RATE // 500, RATE // 80
    likeness = np.correlate(frame, frame, "full")[frame.size - 1 :]
    period = shortest + int(np.argmax(likeness[shortest:longest]))
    return period if likeness[period] > 0.6 * likeness[0] else 0


def loud(sound: Any) -> bool:
    return level_of(sound) > 10 * SILENT


def level_of(sound: Any) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def near(pitch: float) -> Callable[[Any], bool]:
    return lambda sound: loud(sound) and abs(pitch_of(sound) / pitch - 1) < 0.12


def test_another_voice_comes_out(visit: Visit) -> None:
    page = visit.page
    slide(page, "pitch", 7)
    talk(page)
    heard_until(page, near(PITCH * 2 ** (7 / 12)))
    slide(page, "pitch", -5)
    heard_until(page, near(PITCH * 2 ** (-5 / 12)))
    page.check("#talk-bypass")
    page.uncheck("#talk-bypass")
    heard_until(page, near(PITCH * 2 ** (-5 / 12)))
    mic(page).click()
    says(page, "talk.off")
    heard_until(page, lambda sound: not loud(sound))


def test_a_character_brings_its_pitch(visit: Visit) -> None:
    page = visit.page
    talk(page)
    page.select_option("#talk-character", "am_michael")
    expect(page.locator("#talk-pitch + output, output[for=talk-pitch]")).to_have_attribute(
        "data-t", "talk.pitch.own"
    )
    heard_until(page, lambda sound: loud(sound) and 60 < pitch_of(sound) < 0.95 * PITCH)


@pytest.mark.slow
def test_what_the_meter_shows_was_measured(visit: Visit) -> None:
    page = visit.page
    expect(page.locator("#latency")).to_have_attribute("data-kind", "none")
    talk(page)
    expect(page.locator("#latency")).to_have_attribute("data-kind", "live")
    wait_for(page, "yamabiko.stats.playedSamples > 48000")
    stages = page.evaluate("yamabiko.stats.delay")
    assert all(stages[name] >= 0 for name in STAGES)
    assert stages["capture"] > 15, "a frame of 20 ms is taken"
    assert stages["buffer"] > 20, "something is held"
    # More than the converter hears ahead, and not more than what can wait anywhere.
    assert 80 < stages["total"] < 5000
    for name in STAGES:
        expect(page.locator(f"[data-stage={name}] .value")).not_to_have_text("–")
    expect(page.locator("[data-fact=factor]")).not_to_have_text("–")
    mic(page).click()
    expect(page.locator("#latency")).to_have_attribute("data-kind", "none")


def test_of_a_line_the_meter_shows_the_way_to_its_first_sound(visit: Visit) -> None:
    visit.hear("How long does it take?")
    page = visit.page
    expect(page.locator("#latency")).to_have_attribute("data-kind", "line")
    stages = page.evaluate("yamabiko.stats.delay")
    assert stages["total"] == pytest.approx(visit.stats["firstAudioMs"])
    assert stages["total"] == pytest.approx(sum(stages.get(name, 0) for name in STAGES))


@pytest.mark.slow
def test_push_to_talk(visit: Visit) -> None:
    page = visit.page
    page.check("#talk-push")
    mic(page).click()
    says(page, "talk.quiet")
    wait_for(page, "yamabiko.stats.playedSamples > 0")
    page.evaluate("tap.begin()")
    heard_until(page, lambda sound: not loud(sound))
    button = page.locator("#push")
    button.hover()
    page.mouse.down()
    says(page, "talk.on")
    heard_until(page, loud)
    page.mouse.up()
    says(page, "talk.quiet")
    heard_until(page, lambda sound: not loud(sound))
    page.locator("#talk-title").click()
    page.keyboard.down(" ")
    heard_until(page, loud)
    page.keyboard.up(" ")
    heard_until(page, lambda sound: not loud(sound))


@pytest.mark.slow
def test_it_goes_on_when_a_device_was_unplugged(visit: Visit) -> None:
    page = visit.page
    talk(page)
    heard_until(page, loud)
    page.evaluate("plug.out()")
    says(page, "talk.lost")
    heard_until(page, lambda sound: not loud(sound))
    page.evaluate("plug.in()")
    says(page, "talk.on")
    heard_until(page, loud)


def test_the_server_takes_noise_out_where_it_is_asked(visit: Visit, real: LiveServer) -> None:
    page, denoiser = visit.page, real.services.models.denoiser("gtcrn")
    talk(page)
    heard_until(page, loud)
    assert denoiser.state == "unloaded"
    page.select_option("#talk-denoise", "light")
    wait_until(lambda: denoiser.state == "loaded")
    heard_until(page, loud)


def test_the_microphone_is_asked_for_as_chosen(visit: Visit) -> None:
    page = visit.page
    page.uncheck("#talk-echo")
    talk(page)
    expect(page.locator("#talk-device option")).not_to_have_count(1)
    chosen = page.locator("#talk-device option").nth(1).get_attribute("value")
    page.select_option("#talk-device", chosen)
    page.uncheck("#talk-noise")
    wait_for(page, "plug.asked.length >= 3")
    first, last = page.evaluate("[plug.asked[0], plug.asked.at(-1)]")
    assert first["echoCancellation"] is False and first["noiseSuppression"] is True
    assert last["deviceId"] == {"exact": chosen} and last["noiseSuppression"] is False
    heard_until(page, loud)


def test_a_browser_that_refuses_is_told_about(visit: Visit) -> None:
    page = visit.page
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia ="
        " async () => { throw new DOMException('no', 'NotAllowedError'); } }"
    )
    mic(page).click()
    says(page, "talk.refused")


@pytest.mark.slow
def test_lines_are_heard_beside_a_live_voice(visit: Visit) -> None:
    page = visit.page
    page.uncheck("#talk-monitor")
    mic(page).click()
    wait_for(page, "yamabiko.stats.delay?.total")
    page.evaluate("tap.begin()")
    heard_until(page, lambda sound: not loud(sound))
    visit.hear("And somebody else speaks.")
    says(page, "talk.on")


def test_a_wav_is_what_was_asked_for(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", pcm(voice(0.1)), RATE)
    assert path.stat().st_size == 44 + 2 * RATE // 10
