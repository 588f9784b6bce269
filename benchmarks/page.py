"""The page in a real Chromium: its first sound, the delay of a voice through it, its size.

`benchmarks/tap.js` listens to the sound that the page plays. To it comes the delay from there to
the loudspeaker, as the browser states it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import urllib.request
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, Response

from benchmarks import report
from benchmarks.chromium import chromium, open_tapped_page, record, wait_for
from benchmarks.server import Server

MOST_DELAY = 1.0
HOP_SECONDS = 0.001
WINDOW_SECONDS = 0.01
READY = "tap.idle"
LATENCY = "({...yamabiko.stats})"
METER_SECONDS = 0.25
# Read during the recording: handing over the samples afterwards blocks the page.
READ_METER = f"""(() => {{
    tap.readings = [];
    setInterval(() => tap.readings.push({{...yamabiko.stats.delay}}), {1000 * METER_SECONDS});
}})()"""
RATE = 24000
TEXT = (
    "The old man walked slowly along the river, and the morning was still and cold. "
    "He looked at the water for a long time, and then he went home."
)


def arrive(browser: Browser, address: str) -> Page:
    page = open_tapped_page(browser)
    page.goto(address)
    wait_for(page, READY)
    return page


def weight(browser: Browser, address: str) -> dict[str, Any]:
    """Return the bytes that a first visit fetches, unpacked, and when the page can be used."""
    page = open_tapped_page(browser)
    fetched: list[Response] = []
    page.on("response", lambda response: fetched.append(response))
    page.goto(address)
    idle = wait_for(page, READY)
    page.wait_for_load_state("networkidle")
    own = [each for each in fetched if "/static/" in each.url or each.url.rstrip("/") == address]
    sizes = {each.url.removeprefix(address): len(each.body()) for each in own}
    page.context.close()
    return {"files": len(sizes), "bytes": sum(sizes.values()), "interactive ms": round(idle, 1)}


def first_sound(page: Page, runs: int) -> list[float]:
    """Measure the milliseconds from the key press for a new line to its first audible sample."""
    found: list[float] = []
    for number in range(runs + 1):
        page.fill("#text", f"Hello there, traveller number {number}. What brings you here?")
        if number:
            page.evaluate("tap.arm()")
        page.press("#text", "Enter")
        if number:
            found.append(wait_for(page, "tap.heard && tap.pressed && tap.heard - tap.pressed"))
        else:  # the first one opens the loudspeaker
            wait_for(page, "yamabiko.stats.firstAudioMs")
            page.evaluate("tap.begin()")
        page.press("#text", "Escape")
        wait_for(page, "document.body.dataset.state === 'idle'")
        page.wait_for_timeout(300)  # the engine lets go of what was left
    return found


def microphone(page: Page, pcm: Any, seconds: float) -> dict[str, Any]:
    """Measure the milliseconds from the microphone to the same sample at the loudspeaker."""
    page.evaluate("localStorage.setItem('yamabiko.talk', '{\"pitch\": 4}')")
    page.reload()
    wait_for(page, READY)
    page.press("body", "Shift")  # a touch opens the loudspeaker
    wait_for(page, "tap.isOpen")
    page.evaluate("([samples, rate]) => tap.speak(samples, rate)", [pcm.tolist(), RATE])
    page.click("#mic")
    wait_for(page, "yamabiko.stats.delay?.total")
    page.wait_for_timeout(5_000)  # the browser's clocks and the converter's load settle
    page.evaluate("tap.begin()")
    before = page.evaluate(LATENCY)
    page.evaluate(READ_METER)
    out, mic, rate = record(page, seconds)
    after = page.evaluate(LATENCY)
    readings = page.evaluate("tap.readings")[: round(seconds / METER_SECONDS)]
    page.click("#mic")
    through = 1000 * delay(mic, out, rate)
    shown = {name: float(np.median([each[name] for each in readings])) for name in readings[0]}
    return {
        "through the page ms": round(through, 1),
        "browser's output ms": round(after["outputMs"], 1),
        "to the loudspeaker ms": round(through + after["outputMs"], 1),
        "its meter says ms": round(shown["total"], 1),
        **{f"{name} ms": round(value, 1) for name, value in shown.items() if name != "total"},
        "underruns before": before["underruns"],
        "underruns": after["underruns"] - before["underruns"],
    }


def delay(first: Any, second: Any, rate: int) -> float:
    """Return the seconds by which the loudness of the second sound follows that of the first."""
    before, after = loudness(first, rate), loudness(second, rate)
    most = round(MOST_DELAY / HOP_SECONDS)
    likeness = [
        float(np.corrcoef(before[: before.size - lag], after[lag:])[0, 1]) for lag in range(most)
    ]
    return int(np.argmax(likeness)) * HOP_SECONDS


def loudness(sound: Any, rate: int) -> Any:
    window = round(WINDOW_SECONDS * rate)
    smooth = np.convolve(sound.astype(np.float64) ** 2, np.ones(window) / window, "same")
    return np.sqrt(smooth[:: round(HOP_SECONDS * rate)])


def main() -> None:
    parser = report.argument_parser(
        "How soon does the page sound, and how late is a voice through it?"
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0, help="of the microphone")
    options = parser.parse_args()
    report.write_json(options.json, measure(options))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    with Server() as server, chromium() as browser:
        return measure_in(browser, server.address, options)


def fetch_speech(address: str) -> Any:
    """Fetch a voice for the microphone."""
    body = {"model": "hibari", "voice": "am_michael", "input": TEXT, "response_format": "pcm"}
    request = urllib.request.Request(
        f"{address}/v1/audio/speech",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return np.frombuffer(answer.read(), "<i2")


def measure_in(browser: Browser, address: str, options: argparse.Namespace) -> dict[str, Any]:
    visits = [weight(browser, address) for _ in range(5)]
    loaded = {**visits[0], "interactive ms": median(each["interactive ms"] for each in visits)}
    report.print_table("The page's first visit", [loaded])
    page = arrive(browser, address)
    times = first_sound(page, options.runs)
    heard = {"runs": len(times), "p50 ms": median(times), "p95 ms": percentile_95(times)}
    report.print_table("From Enter to audible sound (hibari)", [heard])
    talked = microphone(page, fetch_speech(address), options.seconds)
    rows = [{"figure": name, "value": value} for name, value in talked.items()]
    report.print_table("From microphone to loudspeaker (world)", rows)
    return {"visit": loaded, "first sound": heard, "microphone": talked}


def median(values: Any) -> float:
    return round(float(statistics.median(values)), 1)


def percentile_95(values: list[float]) -> float:
    return round(float(np.percentile(values, 95)), 1)


if __name__ == "__main__":
    main()
