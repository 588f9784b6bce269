"""A real Chromium whose microphone plays a recording, with a tap at its loudspeaker."""

from __future__ import annotations

import base64
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
from realtime.engines.contract import Samples

HERE = Path(__file__).resolve().parent
POLL_MS = 20
MOST_POLLS = 3_000


# The first one draws no window of its own, which halves the work of opening a page.
PROGRAMS = ("chromium-headless-shell", "chromium")


def find_chromium() -> str | None:
    """Find the system's Chromium."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium(microphone: Path | None = None) -> Iterator[Browser]:
    """Run a browser; its microphone plays this file in a loop, and no dialog asks for consent."""
    path = find_chromium()
    if path is None:
        raise FileNotFoundError("There is no Chromium: apt-get install chromium-headless-shell.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments(microphone))
        try:
            yield browser
        finally:
            browser.close()


def arguments(microphone: Path | None) -> list[str]:
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    return [
        "--no-sandbox",
        *fake,
        *([f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []),
    ]


def open_tapped_page(browser: Browser) -> Page:
    """Open a page in a profile of its own, with a tap."""
    return tap(browser.new_context(bypass_csp=True).new_page())


def tap(page: Page) -> Page:
    """Listen to the sound that the page plays, from its next navigation on.

    The page's content security policy forbids the tap, so the profile must ignore the policy.
    """
    worklet = json.dumps((HERE / "tap.worklet.js").read_text(encoding="utf-8"))
    listener = (HERE / "tap.js").read_text(encoding="utf-8")
    page.add_init_script(f"window.tapWorklet = {worklet};\n{listener}")
    return page


def wait_for(page: Page, expression: str) -> Any:
    """Poll an expression until it has a value; playwright's own wait breaks the page's policy."""
    for _ in range(MOST_POLLS):
        if (found := page.evaluate(expression)) is not None and found is not False:
            return found
        page.wait_for_timeout(POLL_MS)
    raise TimeoutError(f"This never came: {expression}")


def record(page: Page, seconds: float) -> tuple[Samples, Samples, int]:
    """Record; return the sound played and the microphone's, in step, and their sample rate."""
    page.evaluate(f"tap.record({seconds} * tap.rate)")
    wait_for(page, f"tap.recorded >= {seconds} * tap.rate")
    out, mic, rate = page.evaluate("[tap.recording('out'), tap.recording('mic'), tap.rate]")
    return _samples(out), _samples(mic), rate


def _samples(parts: list[str]) -> Samples:
    return np.frombuffer(b"".join(map(base64.b64decode, parts)), np.float32)


def write_wav(path: Path, pcm: Pcm, rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return path
