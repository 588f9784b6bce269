"""How soon does the page sound, how late is a voice through it, and how heavy is it?

In a real Chromium against a server on this machine. What is heard is what the page plays, with the
delay that the browser says it has from there to the loudspeaker: `benchmarks/tap.js` listens.
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
from benchmarks.chromium import chromium, recorded, tapped, until
from benchmarks.server import Server

MOST_DELAY = 1.0
HOP_SECONDS = 0.001
WINDOW_SECONDS = 0.01
READY = "tap.idle"
LATENCY = "({...yamabiko.stats})"
METER_SECONDS = 0.25
# Read while it is recorded: handing the samples over afterwards holds up the page.
READ_METER = f"""(() => {{
    tap.readings = [];
    setInterval(() => tap.readings.push({{...yamabiko.stats.delay}}), {1000 * METER_SECONDS});
}})()"""
RATE = 24000
TOLD = (
    "The old man walked slowly along the river, and the morning was still and cold. "
    "He looked at the water for a long time, and then he went home."
)


def arrive(browser: Browser, address: str) -> Page:
    page = tapped(browser)
    page.goto(address)
    until(page, READY)
    return page


def weight(browser: Browser, address: str) -> dict[str, Any]:
    """What a first visit fetches, unpacked, and when it can be used."""
    page = tapped(browser)
    fetched: list[Response] = []
    page.on("response", lambda response: fetched.append(response))
    page.goto(address)
    idle = until(page, READY)
    page.wait_for_load_state("networkidle")
    own = [each for each in fetched if "/static/" in each.url or each.url.rstrip("/") == address]
    sizes = {each.url.removeprefix(address): len(each.body()) for each in own}
    page.context.close()
    return {"files": len(sizes), "bytes": sum(sizes.values()), "interactive ms": round(idle, 1)}


def first_sound(page: Page, runs: int) -> list[float]:
    """Milliseconds from the key that asks for a new line to its first audible sample."""
    found: list[float] = []
    for number in range(runs + 1):
        page.fill("#text", f"Hello there, traveller number {number}. What brings you here?")
        if number:
            page.evaluate("tap.arm()")
        page.press("#text", "Enter")
        if number:
            found.append(until(page, "tap.heard && tap.pressed && tap.heard - tap.pressed"))
        else:  # the first one opens the loudspeaker
            until(page, "yamabiko.stats.firstAudioMs")
            page.evaluate("tap.begin()")
        page.press("#text", "Escape")
        until(page, "document.body.dataset.state === 'idle'")
        page.wait_for_timeout(300)  # the engine lets go of what was left
    return found


def microphone(page: Page, pcm: Any, seconds: float) -> dict[str, Any]:
    """Milliseconds from a sample's being spoken to the same sample at the loudspeaker."""
    page.evaluate("localStorage.setItem('yamabiko.talk', '{\"pitch\": 4}')")
    page.reload()
    until(page, READY)
    page.press("body", "Shift")  # a touch opens the loudspeaker
    until(page, "tap.mouth")
    page.evaluate("([samples, rate]) => tap.speak(samples, rate)", [pcm.tolist(), RATE])
    page.click("#mic")
    until(page, "yamabiko.stats.delay?.total")
    page.wait_for_timeout(5_000)  # the browser's clocks and the converter's load settle
    page.evaluate("tap.begin()")
    before = page.evaluate(LATENCY)
    page.evaluate(READ_METER)
    out, mic, rate = recorded(page, seconds)
    told = page.evaluate(LATENCY)
    readings = page.evaluate("tap.readings")[: round(seconds / METER_SECONDS)]
    page.click("#mic")
    through = 1000 * delay(mic, out, rate)
    shown = {name: float(np.median([each[name] for each in readings])) for name in readings[0]}
    return {
        "through the page ms": round(through, 1),
        "browser's output ms": round(told["outputMs"], 1),
        "to the loudspeaker ms": round(through + told["outputMs"], 1),
        "its meter says ms": round(shown["total"], 1),
        **{f"{name} ms": round(value, 1) for name, value in shown.items() if name != "total"},
        "underruns before": before["underruns"],
        "underruns": told["underruns"] - before["underruns"],
    }


def delay(first: Any, second: Any, rate: int) -> float:
    """Seconds by which the loudness of one sound follows that of another."""
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
    parser = report.options(__doc__ or "")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0, help="of the microphone")
    asked = parser.parse_args()
    report.keep(asked.json, measure(asked))


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    with Server() as server, chromium() as browser:
        return visited(browser, server.address, asked)


def spoken(address: str) -> Any:
    """Somebody's voice for the microphone."""
    body = {"model": "hibari", "voice": "am_michael", "input": TOLD, "response_format": "pcm"}
    request = urllib.request.Request(
        f"{address}/v1/audio/speech",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return np.frombuffer(answer.read(), "<i2")


def visited(browser: Browser, address: str, asked: argparse.Namespace) -> dict[str, Any]:
    visits = [weight(browser, address) for _ in range(5)]
    loaded = {**visits[0], "interactive ms": middle(each["interactive ms"] for each in visits)}
    report.show("The page's first visit", [loaded])
    page = arrive(browser, address)
    times = first_sound(page, asked.runs)
    heard = {"runs": len(times), "p50 ms": middle(times), "p95 ms": high(times)}
    report.show("From Enter to audible sound (hibari)", [heard])
    talked = microphone(page, spoken(address), asked.seconds)
    rows = [{"figure": name, "value": value} for name, value in talked.items()]
    report.show("From microphone to loudspeaker (world)", rows)
    return {"visit": loaded, "first sound": heard, "microphone": talked}


def middle(values: Any) -> float:
    return round(float(statistics.median(values)), 1)


def high(values: list[float]) -> float:
    return round(float(np.percentile(values, 95)), 1)


if __name__ == "__main__":
    main()
