"""A real Chromium whose microphone hears a recording, with a tap at its loudspeaker."""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from realtime.audio.samples import Pcm

HERE = Path(__file__).resolve().parent
POLL_MS = 20
MOST_POLLS = 3_000


@contextmanager
def chromium(heard: Path | None = None) -> Iterator[Browser]:
    """A browser; its microphone hears this file over and over, and nobody asks whether it may."""
    path = shutil.which("chromium")
    if path is None:
        raise FileNotFoundError("There is no chromium: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments(heard))
        try:
            yield browser
        finally:
            browser.close()


def arguments(heard: Path | None) -> list[str]:
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    return [
        "--no-sandbox",
        *fake,
        *([f"--use-file-for-fake-audio-capture={heard}"] if heard else []),
    ]


def tapped(browser: Browser) -> Page:
    """A page in a profile of its own, with a tap."""
    return tap(browser.new_context(bypass_csp=True).new_page())


def tap(page: Page) -> Page:
    """What the page plays is listened to from its next address on.

    The tap comes from nowhere that the page's policy allows, so the profile must not ask it.
    """
    worklet = json.dumps((HERE / "tap.worklet.js").read_text(encoding="utf-8"))
    listener = (HERE / "tap.js").read_text(encoding="utf-8")
    page.add_init_script(f"window.tapWorklet = {worklet};\n{listener}")
    return page


def until(page: Page, expression: str) -> Any:
    """What an expression gives as soon as it gives something; the page's policy forbids more."""
    for _ in range(MOST_POLLS):
        if (found := page.evaluate(expression)) is not None and found is not False:
            return found
        page.wait_for_timeout(POLL_MS)
    raise TimeoutError(f"This never came: {expression}")


def recorded(page: Page, seconds: float) -> tuple[Any, Any, int]:
    """What was played and what the microphone gave, sample beside sample, and their rate."""
    page.evaluate("tap.record(true)")
    wanted = f"tap.out.length > {seconds} * tap.rate"
    until(page, wanted)
    page.evaluate("tap.record(false)")
    out, mic, rate = page.evaluate("[tap.out, tap.mic, tap.rate]")
    return np.array(out, np.float32), np.array(mic, np.float32), rate


def write_wav(path: Path, pcm: Pcm, rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return path
