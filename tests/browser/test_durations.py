"""A browser's audio element knows how long a recording is, and plays one that still grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Response

from realtime.settings import Settings
from tests.browser.conftest import NewVisit
from tests.support.durations import TRUE
from tests.support.scripted_engines import CHUNK_SAMPLES
from tests.support.server import LiveServer, forget_recordings, scripted_services, serving

SECONDS = 2 * CHUNK_SAMPLES / 24000
# Chromium counts the samples that a decoder skips at the start of an Ogg file.
SKIPPED_SECONDS = 0.011
PADDING_SECONDS = 0.1  # that a codec puts around sound whose file does not say so yet

LOADED = """
address => new Promise((resolve, reject) => {
  const audio = new Audio(address);
  audio.onloadedmetadata = () => resolve(audio.duration);
  audio.onerror = () => reject(audio.error.message);
})
"""
PLAYED = """
address => new Promise((resolve, reject) => {
  const audio = new Audio(address);
  audio.muted = true;
  audio.onended = () => resolve(audio.currentTime);
  audio.onerror = () => reject(audio.error.message);
  audio.play().catch(reject);
})
"""


@pytest.fixture(scope="module")
def scripted(settings: Settings) -> Iterator[LiveServer]:
    with serving(scripted_services(settings)) as live:
        yield live


@pytest.fixture
def live(scripted: LiveServer) -> LiveServer:
    scripted.gated.reset()
    forget_recordings(scripted.services)
    return scripted


def begun(live: LiveServer, name: str) -> str:
    """Begin a recording whose second half waits; the path of its address."""
    asked = live.post("/lines", {"text": "abc", "engine": "gated", "format": name})
    path = str(asked["url"]).removeprefix(live.url)
    first = live.answer("GET", path.replace(f".{name}", ".wav"))
    assert first.read1(1), "the engine is loaded, and the first half is spoken"
    return path


@pytest.mark.parametrize("name", TRUE)
def test_a_kept_recording_tells_its_true_duration(
    new_visit: NewVisit, live: LiveServer, name: str
) -> None:
    path = begun(live, name)
    growing = live.answer("GET", path)
    live.gated.gate.set()
    growing.read()
    assert live.wait_until_idle()
    with new_visit(live) as visit:
        visit.page.goto(live.url)
        told: Any = visit.page.evaluate(LOADED, path)
    most = SECONDS + (SKIPPED_SECONDS if name in ("ogg", "opus") else 0.0)
    assert SECONDS - 0.001 <= told <= most + 0.001


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "opus", "aac"])
def test_a_growing_recording_is_played_to_its_end(
    new_visit: NewVisit, live: LiveServer, name: str
) -> None:
    path = begun(live, name)
    found: list[str] = []

    def note(response: Response) -> None:
        if path in response.url:
            found.append(response.headers["x-cache"])
            live.gated.gate.set()  # the first half is on its way: now the second one is spoken

    with new_visit(live) as visit:
        visit.page.goto(live.url)
        visit.page.on("response", note)
        told: Any = visit.page.evaluate(PLAYED, path)
    assert found[0] == "join"
    assert SECONDS - 0.01 <= told <= SECONDS + PADDING_SECONDS
